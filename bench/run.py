#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Measure lamina against its peers, and write what docs/performance.md quotes.

Data sets are made in $BENCH_DIR (default: lamina-bench in the temporary folder), about 10 GB, and kept. Programs are
taken from $PATH or from $MKCOMPOSEFS, $MOUNT_COMPOSEFS, $COMPOSEFS_FUSE, $EROFSFUSE, $SQUASHFUSE_LL, $FUSE_OVERLAYFS;
what is missing is skipped and the report says so. As root all contenders run; otherwise those that need no privilege.
$BENCH_FILES, $BENCH_BYTES, $BENCH_LARGE, $BENCH_MILLION and $BENCH_ROUNDS set the sizes;
$BENCH_MINUTES (24) is when no further rounds are begun, but each group gets its first.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import building
import data
import measure
import mounts
import pulling
import report
import workloads

SIZES = {"files": 100_000, "bytes": 2_000_000_000, "large": 256 << 20, "million": 1_000_000, "rounds": 5,
         "minutes": 24, "layer_files": 13_000, "layer_bytes": 706_000_000}
QUICK = {"files": 3_000, "bytes": 100_000_000, "large": 64 << 20, "million": 200_000, "rounds": 2,
         "minutes": 3, "layer_files": 1_000, "layer_bytes": 40_000_000}
GROUPS = list(workloads.GROUPS)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [contender.name for contender in mounts.CONTENDERS]
    parser.add_argument("--only", metavar="GROUP,…", default=",".join(GROUPS), help="of " + ", ".join(GROUPS))
    parser.add_argument("--contenders", metavar="NAME,…", default="", help="of " + ", ".join(names))
    parser.add_argument("--quick", action="store_true", help="a small tree and two rounds")
    parser.add_argument("--output", metavar="DIR", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance",
                        help="where results.md, results.json and picture.svg go (docs/performance)")
    parser.add_argument("lamina", type=pathlib.Path, help="the program, in a build folder that has the drivers")
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    chosen.contenders = [name for name in chosen.contenders.split(",") if name]
    for kind, given, known in (("group", chosen.only, GROUPS), ("contender", chosen.contenders, names)):
        for name in given:
            if name not in known:
                parser.error(f"no {kind} '{name}'; there are {', '.join(known)}")
    return chosen


def main():
    chosen = arguments()
    sizes = dict(QUICK if chosen.quick else SIZES)
    for name in sizes:
        sizes[name] = int(os.environ.get(f"BENCH_{name.upper()}", sizes[name]))
    lamina = chosen.lamina.resolve()
    drivers = lamina.parent / "bench"
    if not (drivers / "bench-walk").exists():
        sys.exit(f"bench: the drivers are missing\nhint: ninja -C {chosen.lamina.parent} bench-drivers")
    programs = mounts.find_programs(lamina, drivers)
    place = os.environ.get("BENCH_DIR", os.path.join(tempfile.gettempdir(), "lamina-bench"))
    folder = data.Folder(pathlib.Path(place))
    chosen.output.mkdir(parents=True, exist_ok=True)
    sets = data.Data(folder.path, sizes, programs)
    facts = sets.make_all()
    with mounts.UringOn() as uring:
        contenders, skipped = mounts.choose(programs, chosen.contenders)
        namespaces = measure.Namespaces()
        for contender in list(contenders):
            if namespaces.missing(contender):
                skipped[contender.name] = namespaces.missing(contender)
                contenders.remove(contender)
        for name, why in skipped.items():
            data.say(f"skipping {name}: {why}")
        if uring.changed:
            data.say("FUSE over io_uring turned on for this run")
        names = {contender.name: contender.title for contender in contenders}
        samples = measure.Samples()
        begin = time.monotonic()
        if "build" in chosen.only:
            more, missing = building.measure(samples, sizes["rounds"], programs, facts, sets)
            names.update(more)
            skipped.update(missing)
        if "pull" in chosen.only:
            more, missing = pulling.measure(samples, sizes["rounds"], programs, sets, facts)
            names.update(more)
            skipped.update(missing)
        measure.measure(samples, namespaces, contenders, [g for g in GROUPS if g in chosen.only and g not in ("build", "pull")],
                        sizes, programs, sets, facts, begin)
    report.Report(sizes, names, skipped, samples, uring.changed).write(chosen.output)
    data.say(f"results.md, results.json and picture.svg are in {chosen.output}")


def interrupted(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)  # through the finally blocks, as an interrupt does
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"bench: failed: {' '.join(map(str, failed.cmd))}")
