# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""The workloads, in groups: a group is what one contender does in its turn.

"cold" is the first time after a fresh mount: no names, no inodes; the page cache of the image and the objects is warm.
"warm" is the same again. Samples are seconds for a fixed piece of work, with what it was (count, bytes), or a
{"value", "unit"}.
"""

import dataclasses
import os
from typing import Callable

import memory

CLIENTS = (1, 2, 4)
LATENCY_TURNS = 5


@dataclasses.dataclass
class Group:
    title: str
    work: Callable
    rounds_max: int = 100       # long ones need not be repeated as often
    weight: int = 1             # its share of the time, beside the others
    fuse_only: bool = False     # about servers
    mounted_only: bool = True   # nothing to see without a mount
    dataset: str = "tree"


def latency(s):
    """From the start of the command to the first answer from inside the mount."""
    for name in ("small", "million"):
        if s.shows(name):
            target = os.path.join(s.work, "mnt")
            for turn in range(LATENCY_TURNS):
                try:
                    s.take(f"mount, {name}" + (f" {turn}" if turn else ""), lambda n=name: s.mount(n, target))
                finally:
                    s.unmount(target)
                    s.servers_end()
            fold(s, f"mount, {name}", LATENCY_TURNS)


def fold(s, name, turns):
    """Of short things done several times in a turn, the one in the middle."""
    found = [s.samples.pop(key) for key in [name] + [f"{name} {turn}" for turn in range(1, turns)] if key in s.samples]
    if found:
        s.samples[name] = sorted(found, key=lambda sample: sample["seconds"])[len(found) // 2]


def meta(s):
    data = s.data["tree"]
    with s.mounted("tree") as root:
        s.take("walk, cold", lambda: s.driver("walk", root))
        s.take("walk, warm", lambda: s.driver("walk", root))
    with s.mounted("tree") as root:
        s.take("random look-ups, one of five missing, cold", lambda: s.driver("lookup", root, data["random"]))
        s.take("random look-ups, one of five missing, warm", lambda: s.driver("lookup", root, data["random"]))
    with s.mounted("tree") as root:
        s.take("lstat of a sorted list (git status), cold", lambda: s.driver("lookup", root, data["paths"]))
        s.take("lstat of a sorted list (git status), warm", lambda: s.driver("lookup", root, data["paths"]))


def shell(s):
    for name, script in (("find -ls", 'find "$0" -ls'), ("ls -lR", 'ls -lR "$0"'),
                         ("getfattr -R -d -m -", 'getfattr -h -R -d -m - "$0" 2>&1')):
        with s.mounted("tree") as root:
            s.take(f"{name}, cold", lambda script=script, at=root: s.shell(script, at))
            s.take(f"{name}, warm", lambda script=script, at=root: s.shell(script, at))


def small(s):
    with s.mounted("tree") as root:
        for time in ("first", "second"):
            s.take(f"open, read, close small files, {time} time",
                   lambda: s.driver("readall", root, s.data["tree"]["smalls"]))


def data(s):
    with s.mounted("tree") as root:
        for time in ("first", "second"):
            s.take(f"read all files, {time} time", lambda: s.driver("readall", root, s.data["tree"]["files"]))
    with s.mounted("tree") as root:
        # GNU tar does not read where it knows its output to be /dev/null.
        s.take("tar c, cold", lambda: s.shell('tar -C "$0" -cf - . | cat', root))


def large(s):
    facts = s.data["tree"]
    with s.mounted("tree") as root:
        path = os.path.join(root, facts["large"]) if root else facts["large_object"]
        below = s.contender.below(facts)
        for how in ("sequential", "random", "mmap"):
            s.take(f"{how}, cached", lambda h=how: s.driver("onefile", h, 4, "cached", path, *below))
            s.take(f"{how}, uncached", lambda h=how: s.driver("onefile", h, 2, "uncached", path, *below))


def parallel(s):
    for clients in CLIENTS:
        with s.mounted("tree") as root:
            s.take(f"look-ups, cold, {clients} at a time",
                   lambda n=clients, at=root: s.driver("lookup", at, s.data["tree"]["paths"], n))
    for clients in CLIENTS:
        with s.mounted("tree") as root:
            s.take(f"small files, first time, {clients} at a time",
                   lambda n=clients, at=root: s.driver("readall", at, s.data["tree"]["smalls"], n))


def busy(s):
    """On a machine that has other work: for each CPU, a loop in the shell."""
    for clients in CLIENTS[:2]:
        with s.mounted("tree") as root, s.busy():
            s.take(f"look-ups, cold, {clients} at a time, CPUs busy",
                   lambda n=clients, at=root: s.driver("lookup", at, s.data["tree"]["paths"], n))


GROUPS = {
    "build": Group("Writing images", None),  # building.py
    "pull": Group("Pulling images", None),  # pulling.py
    "mount": Group("Mounting", latency),
    "meta": Group("Metadata", meta, weight=3, mounted_only=False),
    "shell": Group("Metadata by shell tools", shell, rounds_max=2, mounted_only=False),
    "small": Group("Small files", small, mounted_only=False),
    "data": Group("All files", data, rounds_max=2, weight=2, mounted_only=False),
    "large": Group("One large file", large, mounted_only=False),
    "parallel": Group("Parallel clients", parallel, rounds_max=3, mounted_only=False),
    "busy": Group("Beside other work", busy, rounds_max=3),
    "memory": Group("The server's memory", memory.work, rounds_max=1, fuse_only=True),
}
