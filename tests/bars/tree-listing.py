#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""List a file tree with everything that an image says of it, a line of JSON a name, sorted.

tree-listing.py ROOT [--as-oci-image]

Type, mode, owner, time in nanoseconds, size and digest or link target, device number, extended attributes, and
the first name of the same inode. Attributes that the file systems below make up are left out: those of overlayfs.

--as-oci-image changes what composefs-rs's transform of an image changes (docs/decisions/0014), and nothing else:

  - / has the mode, owner, time and attributes of /usr; without /usr those it has in the image
  - /run is empty, and has the time of /usr (of / where there is no /usr)
  - of the extended attributes only security.capability stays
"""

import argparse
import hashlib
import json
import os
import stat

OVERLAY = ("trusted.overlay.", "user.overlay.")
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFCHR: "char",
         stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


def content(path):
    with open(path, "rb") as source:
        digest = hashlib.sha256()
        while data := source.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def xattrs(path):
    names = sorted(name for name in os.listxattr(path, follow_symlinks=False)
                   if not os.fsdecode(name).startswith(OVERLAY))
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}


def describe(path, firsts, name):
    status = os.lstat(path)
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    entry = {"kind": kind, "mode": oct(stat.S_IMODE(status.st_mode)), "uid": status.st_uid, "gid": status.st_gid,
             "mtime": status.st_mtime_ns, "xattrs": xattrs(path)}
    if kind == "file":
        entry |= {"size": status.st_size, "sha256": content(path)}
    elif kind == "link":
        entry["target"] = os.fsencode(os.readlink(path)).hex()
    elif kind in ("char", "block"):
        entry["device"] = [os.major(status.st_rdev), os.minor(status.st_rdev)]
    if kind != "dir":
        entry["same_as"] = firsts.setdefault((status.st_dev, status.st_ino), name)
        entry["names"] = status.st_nlink
    return entry


def walk(root):
    """{name: entry}, names in an order that depends on nothing but themselves."""
    entries, firsts, waiting = {}, {}, [""]
    while waiting:
        name = waiting.pop()
        path = os.path.join(root, name) if name else root
        entries[name] = describe(path, firsts, name)
        if entries[name]["kind"] == "dir":
            waiting += sorted((os.path.join(name, child) for child in os.listdir(path)), reverse=True)
    return entries


def as_oci_image(entries):
    usr = entries.get("usr")
    if usr:
        entries[""] = entries[""] | {key: usr[key] for key in ("mode", "uid", "gid", "mtime", "xattrs")}
    for name in [name for name in entries if name.startswith("run/")]:
        del entries[name]
    if "run" in entries:
        entries["run"]["mtime"] = entries["usr" if usr else ""]["mtime"]
    for entry in entries.values():
        entry["xattrs"] = {key: value for key, value in entry["xattrs"].items() if key == "security.capability"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--as-oci-image", action="store_true")
    arguments = parser.parse_args()
    entries = walk(arguments.root)
    if arguments.as_oci_image:
        as_oci_image(entries)
    for name in sorted(entries):
        print(json.dumps({"name": name.encode("utf-8", "surrogateescape").hex() if not name.isascii() else name,
                          **entries[name]}, sort_keys=True))


main()
