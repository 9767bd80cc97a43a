#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Measure what docs/performance.md quotes, against the peers that are here.

run.py LAMINA

Makes its data in $BENCH_DIR (default: lamina-bench in the temporary folder), which it keeps. $MKCOMPOSEFS names a
mkcomposefs of the composefs project; without one only our own figures are printed. Commands are run in turn, so that a
machine that changes its speed changes it for both; figures are medians, ratios are of pairs. Mounts need root.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def run(command):
    """Run a command, give its wall seconds and its peak memory in MiB."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def compare(title, ours, theirs, runs):
    """Run both in turn; each is a function of the run's number that gives a command."""
    pairs = []
    for number in range(runs + 1):
        pair = [run(ours(number)), run(theirs(number)) if theirs else None]
        if number:  # the first pair warms the caches
            pairs.append(pair)
    seconds = statistics.median(pair[0][0] for pair in pairs)
    memory = statistics.median(pair[0][1] for pair in pairs)
    line = f"| {title} | {seconds:.3f} s | {memory:.0f} MiB |"
    if theirs:
        other = statistics.median(pair[1][0] for pair in pairs)
        other_memory = statistics.median(pair[1][1] for pair in pairs)
        ratios = [pair[0][0] / pair[1][0] for pair in pairs]
        line += (f" {other:.3f} s | {other_memory:.0f} MiB | {statistics.median(ratios):.2f}"
                 f" ({min(ratios):.2f} to {max(ratios):.2f}) | {memory / other_memory:.2f} |")
    else:
        line += " – | – | – | – |"
    print(line, flush=True)


def data(folder):
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tree").exists():
        subprocess.run([HERE / "make-tree.py", folder / "new-tree"], check=True, stdout=sys.stderr)
        (folder / "new-tree").rename(folder / "tree")
    if not (folder / "tree.dump").exists():
        with open(folder / "tree.dump", "wb") as out:
            subprocess.run([HERE / "make-dump.py"], check=True, stdout=out)
    for name, directories in (("small", 1), ("million", 1000)):
        dump = folder / f"{name}.dump"
        if dump.exists():
            continue
        with open(dump, "w", encoding="ascii") as out:
            out.write("/ 0 40755 1 0 0 0 0.0 - - -\n")
            for directory in range(directories):
                out.write(f"/d{directory} 0 40755 1 0 0 0 0.0 - - -\n")
                out.writelines(f"/d{directory}/f{i} 0 100644 1 0 0 0 0.0 - - -\n" for i in range(1000))


def main():
    lamina = pathlib.Path(sys.argv[1]).resolve()
    peer = shutil.which(os.environ.get("MKCOMPOSEFS", "mkcomposefs"))
    if peer and pathlib.Path(peer).resolve() == lamina:
        peer = None
    folder = pathlib.Path(os.environ.get("BENCH_DIR", pathlib.Path(tempfile.gettempdir()) / "lamina-bench"))
    data(folder)
    for name in ("small", "million"):
        run([lamina, "build", folder / f"{name}.dump", folder / f"{name}.erofs"])
    work = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    print("| what | lamina | memory | peer | memory | time ratio | memory ratio |")
    print("|---|---|---|---|---|---|---|")
    try:
        compare("build from a dump",
                lambda n: [lamina, "build", "-q", folder / "tree.dump", work / "ours.erofs"],
                peer and (lambda n: [peer, "--from-file", folder / "tree.dump", work / "theirs.erofs"]), 9)
        # A new folder each: ext4 is slower where something large was removed a moment ago.
        compare("import a tree",
                lambda n: ["sh", "-c", 'sync; "$0" init --repo "$1" && "$0" import -q --repo "$1" "$2" t',
                           lamina, work / f"repo-{n}", folder / "tree"],
                peer and (lambda n: ["sh", "-c", 'sync; "$0" --digest-store="$1" "$2" "$1.erofs"',
                                     peer, work / f"store-{n}", folder / "tree"]), 3)
        if os.geteuid() == 0:
            (work / "objects").mkdir()
            (work / "mnt").mkdir()
            for mode in ("kernel", "overlay", "standalone"):
                mount = ['"$0" mount --mode "$1" --objects "$2" "$3" "$4" && stat "$4/d0/f5" && "$0" umount "$4"']
                arguments = [lamina, mode, work / "objects"]
                compare(f"mount, stat, umount: {mode}; a million entries against a thousand",
                        lambda n: ["sh", "-c", *mount, *arguments, folder / "million.erofs", work / "mnt"],
                        lambda n: ["sh", "-c", *mount, *arguments, folder / "small.erofs", work / "mnt"], 15)
    finally:
        shutil.rmtree(work)


main()
