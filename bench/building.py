# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Group "build": writing images against mkcomposefs, and that mounting does not depend on the size of the image.

Commands are whole processes and run in turn, so that a machine that changes its speed changes it for both.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TITLES = {"lamina": "the program that is measured", "mkcomposefs": "mkcomposefs of the composefs project",
          "a million": "lamina, an image of a million entries", "a thousand": "lamina, an image of a thousand"}


def run(drivers, command):
    """Run a command, give its wall seconds and its peak memory in KiB."""
    with subprocess.Popen([os.path.join(drivers, "bench-timed"), *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        try:
            out, talk = child.communicate()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode:
        raise OSError((talk.strip().splitlines() or [f"status {child.returncode}"])[0])
    result = json.loads(out)
    return result["seconds"], result["bytes"] / 1024


def compare(drivers, samples, title, commands, runs, memory=True, group="build"):
    """Run the contenders' commands in turn; each is a function of the run's number."""
    for number in range(runs + 1):
        for name, command in commands.items():
            print(f"bench: {group} {number + 1}/{runs + 1}  {title}: {name}", file=sys.stderr, flush=True)
            answer = {"samples": {}, "failures": {}}
            try:
                seconds, peak = run(drivers, command(number))
                answer["samples"][title] = {"seconds": seconds, "count": 0, "bytes": 0}
                if memory:
                    answer["samples"][f"{title}: peak memory"] = {"value": peak, "unit": "KiB"}
            except OSError as error:
                answer["failures"][title] = str(error)
            if number or answer["failures"]:  # the first run warms the caches
                samples.add(group, name, number, answer)


def mkcomposefs(lamina):
    """The peer, unless it is one of our own names; else why not."""
    peer = shutil.which(os.environ.get("MKCOMPOSEFS") or "mkcomposefs")
    if not peer or os.path.realpath(peer) == os.path.realpath(lamina):
        return None
    return os.path.abspath(peer)


def measure(samples, rounds, programs, facts, sets):
    """Gives the names of the contenders that ran and {name: why not}."""
    lamina, peer = programs["lamina"], mkcomposefs(programs["lamina"])
    dump = sets.make_build_dump()
    with tempfile.TemporaryDirectory(prefix="work-", dir=sets.folder) as folder:
        work = pathlib.Path(folder)
        commands = {"lamina": lambda n: [lamina, "build", "-q", str(dump), str(work / "ours.erofs")]}
        if peer:
            commands["mkcomposefs"] = lambda n: [peer, "--from-file", str(dump), str(work / "theirs.erofs")]
        compare(programs["drivers"], samples, "build from a dump", commands, 2 * rounds - 1)
        # A new folder each: ext4 is slower where something large was removed a moment ago.
        commands = {"lamina": lambda n: [
            "sh", "-c", 'sync; "$0" init --repo "$1" >/dev/null && "$0" import -q --repo "$1" "$2" t', lamina,
            str(work / f"repo-{n}"), facts["tree"]["tree"]]}
        if peer:
            commands["mkcomposefs"] = lambda n: [
                "sh", "-c", 'sync; "$0" --digest-store="$1" "$2" "$1.erofs"', peer, str(work / f"store-{n}"),
                facts["tree"]["tree"]]
        compare(programs["drivers"], samples, "import a tree", commands, min(rounds, 3))
        if os.geteuid() == 0:
            (work / "mnt").mkdir()
            for mode in ("kernel", "overlay", "standalone"):
                compare(programs["drivers"], samples, f"mount, stat, umount: {mode}", {
                    name: lambda n, m=mode, image=facts[key]["image"]: mount(lamina, m, facts, image, work / "mnt")
                    for name, key in (("a million", "million"), ("a thousand", "small"))}, 3 * rounds, memory=False)
    return {name: TITLES[name] for name in TITLES if name != "mkcomposefs" or peer}, \
        {} if peer else {"mkcomposefs": "no mkcomposefs in $PATH nor in $MKCOMPOSEFS"}


def mount(lamina, mode, facts, image, target):
    """In a mount namespace, which takes the mount away when anything fails."""
    script = '"$0" mount --mode "$1" --objects "$2" "$3" "$4" && stat "$4/d0/f5" && "$0" umount "$4"'
    return ["unshare", "-m", "sh", "-c", script, lamina, mode, facts["small"]["objects"], image, str(target)]
