# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""The contenders: how each is mounted, unmounted, and what it needs.

Every contender is mounted by one command, and seen through one directory. A command gets a data set (a dict of paths:
data.py) and the target. "root" contenders run in a mount namespace of their own, "userns" ones as root of a user
namespace, which needs no privilege; where the bench is not root, FUSE contenders run in a user namespace too.
"""

import dataclasses
import os
import shutil
import subprocess
from typing import Callable, Optional

URING = "/sys/module/fuse/parameters/enable_uring"


@dataclasses.dataclass
class Contender:
    name: str
    title: str                       # how it is mounted, for the report
    where: str                       # root, userns or plain (nothing is mounted)
    command: Optional[Callable] = None
    needs: tuple = ("image",)        # what a data set must have to be shown
    program: Optional[str] = None    # the key of the program it needs
    option: Optional[str] = None     # of 'lamina mount', that it needs
    uring: bool = False
    fuse: bool = True
    ours: bool = True
    below: Callable = lambda data: [data["large_object"]]  # what the large file is read from


def lamina(mode, transport=None, passthrough=None):
    """A mount in that mode; what this lamina would choose by itself is said, so that each contender is one thing."""
    def command(programs, data, target):
        options = []
        for option, value in (("--transport", transport), ("--passthrough", passthrough)):
            if value and option in programs["options"]:
                options += [option, value]
        source = ["--repo", data["repo"], data["name"]] if "repo" in data else \
                 ["--objects", data["objects"], data["image"]]
        return [programs["lamina"], "mount", "--mode", mode, *options, *source, target]
    return command


def kernel(programs, data, target):
    if "mount.composefs" not in programs:
        return lamina("kernel")(programs, data, target)
    return [programs["mount.composefs"], "-o", f"basedir={data['objects']}", data["image"], target]


def composefs_fuse(programs, data, target):
    return [programs["composefs-fuse"], "-o", f"source={data['image']},basedir={data['objects']}", target]


def composefs_overlay(programs, data, target):
    lower, empty = target + ".lower", target + ".empty"
    # overlayfs wants two layers where none is writable.
    script = 'mkdir -p "$1" "$2" && "$3" -o "$4" "$1" && mount -t overlay -o "ro,userxattr,lowerdir=$1:$2" overlay "$0"'
    return ["sh", "-c", script, target, lower, empty, programs["composefs-fuse"],
            f"source={data['image']},basedir={data['objects']}"]


CONTENDERS = [
    Contender("kernel", "kernel EROFS and overlayfs, by mount.composefs", "root", kernel, fuse=False),
    Contender("lamina-kernel", "kernel EROFS and overlayfs, by lamina mount --mode kernel", "root", lamina("kernel"),
              fuse=False),
    Contender("overlay", "lamina metadata server under overlayfs, /dev/fuse, user namespace", "userns",
              lamina("overlay", "device")),
    Contender("overlay-uring", "the same over io_uring", "userns", lamina("overlay", "uring"),
              option="--transport", uring=True),
    Contender("standalone", "lamina FUSE server, /dev/fuse", "root", lamina("standalone", "device", "off")),
    Contender("standalone-uring", "the same over io_uring", "root", lamina("standalone", "uring", "off"),
              option="--transport", uring=True),
    Contender("passthrough", "lamina FUSE server with passthrough, /dev/fuse", "root",
              lamina("standalone", "device", "on"), option="--passthrough"),
    Contender("composefs-fuse", "composefs-fuse", "root", composefs_fuse, program="composefs-fuse", ours=False),
    Contender("composefs-overlay", "overlayfs (userxattr) over composefs-fuse, user namespace", "userns",
              composefs_overlay, program="composefs-fuse", ours=False),
    Contender("erofsfuse", "erofsfuse, uncompressed EROFS image with the data in it", "root",
              lambda programs, data, target: [programs["erofsfuse"], data["erofs"], target],
              needs=("erofs",), program="erofsfuse", ours=False, below=lambda data: [data["erofs"]]),
    Contender("erofs", "kernel EROFS alone, the same image on a loop device", "root",
              lambda programs, data, target: ["mount", "-t", "erofs", "-o", "ro,loop", data["erofs"], target],
              needs=("erofs",), fuse=False, ours=False, below=lambda data: [data["erofs"]]),
    Contender("squashfuse", "squashfuse_ll, uncompressed squashfs", "root",
              lambda programs, data, target: [programs["squashfuse_ll"], data["squashfs"], target],
              needs=("squashfs",), program="squashfuse_ll", ours=False, below=lambda data: [data["squashfs"]]),
    Contender("fuse-overlayfs", "fuse-overlayfs over the plain tree", "root",
              lambda programs, data, target: [programs["fuse-overlayfs"], "-o", f"lowerdir={data['tree']}", target],
              needs=("tree",), program="fuse-overlayfs", ours=False, below=lambda data: [data["large_plain"]]),
    Contender("plain", "the tree itself, nothing mounted", "plain", needs=("tree",), fuse=False, ours=False,
              below=lambda data: []),
    Contender("object", "the large file's object itself, nothing mounted", "plain", needs=("large_object",),
              fuse=False, ours=False, below=lambda data: []),
]


def find_programs(lamina_path, drivers):
    """Where each program is: by its variable (MOUNT_COMPOSEFS=...), else in $PATH; and what our own can do."""
    talk = subprocess.run([lamina_path, "mount", "--help"], capture_output=True, text=True, check=True).stdout
    options = " ".join(word for word in ("--transport", "--passthrough") if word in talk)
    programs = {"lamina": str(lamina_path), "drivers": str(drivers), "options": options}
    for name in ("composefs-fuse", "erofsfuse", "squashfuse_ll", "fuse-overlayfs", "mkfs.erofs", "mksquashfs"):
        variable = name.upper().replace("-", "_").replace(".", "_")
        found = shutil.which(os.environ.get(variable) or name)
        if found:
            programs[name] = os.path.abspath(found)
    if os.environ.get("MOUNT_COMPOSEFS"):
        found = shutil.which(os.environ["MOUNT_COMPOSEFS"])
        if found:
            programs["mount.composefs"] = os.path.abspath(found)
    for key in ("mount.composefs", "composefs-fuse"):  # one of our own names is no peer
        if key in programs and os.path.realpath(programs[key]) == os.path.realpath(programs["lamina"]):
            del programs[key]
    return programs


def choose(programs, wanted):
    """Split CONTENDERS into those that can run here and {name: why not}."""
    chosen, skipped = [], {}
    for contender in CONTENDERS:
        if wanted and contender.name not in wanted:
            continue
        if contender.name == "kernel" and "mount.composefs" not in programs:
            contender.title = "kernel EROFS and overlayfs, by lamina mount --mode kernel (no $MOUNT_COMPOSEFS)"
        if contender.fuse and os.geteuid() != 0:
            contender.where = "userns"
            contender.title += ", user namespace" if "namespace" not in contender.title else ""
        why = None
        if contender.name == "lamina-kernel" and "mount.composefs" not in programs:
            why = "is what 'kernel' is without $MOUNT_COMPOSEFS"
        elif contender.program and contender.program not in programs:
            variable = contender.program.upper().replace("-", "_").replace(".", "_")
            why = f"no {contender.program} in $PATH nor in ${variable}"
        elif contender.option and contender.option not in programs["options"]:
            why = f"this lamina has no {contender.option}"
        elif contender.where == "root" and os.geteuid() != 0:
            why = "needs root"
        elif contender.fuse and not os.path.exists("/dev/fuse"):
            why = "no /dev/fuse"
        elif contender.uring and not uring_enabled():
            why = "FUSE over io_uring is off, and only root may turn it on"
        if why:
            skipped[contender.name] = why
        else:
            chosen.append(contender)
    return chosen, skipped


def uring_enabled():
    try:
        with open(URING, encoding="ascii") as parameter:
            return parameter.read().strip() == "Y"
    except OSError:
        return False


class UringOn:
    """FUSE over io_uring turned on while the bench runs, where root may, and put back afterwards."""

    def __enter__(self):
        self.changed = False
        if os.geteuid() == 0 and os.path.exists(URING) and not uring_enabled():
            self.write("Y")
        return self

    def write(self, value):
        try:
            with open(URING, "w", encoding="ascii") as parameter:
                parameter.write(value)
            self.changed = True
        except OSError:
            pass  # read-only in some containers: the contenders that need it say so

    def __exit__(self, *_):
        if self.changed:
            self.write("N")
