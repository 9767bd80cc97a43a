#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Compare two composefs dumps by what they mean.

dump-equal.py VERSION GIVEN READ - GIVEN went into an image of that VERSION, READ came out of it.

Spelling, the order of lines and xattrs, and which of an inode's names is the primary one are free. So is
what an image does not keep: sizes of directories, symlinks and special files, payload and digest of
empty and inline files, link counts of directories, in version 1 the opaque xattrs of a directory
with whiteouts, and in version 2 nanoseconds and all link counts that are not the number of names.
Prints what differs, exits 1 when something does.
"""

import re
import sys

ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[nrt\\])")
SIMPLE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}
OPAQUE = {b"trusted.overlay.opaque", b"user.overlay.opaque"}
TYPE, REGULAR, DIRECTORY, SYMLINK, CHARACTER, BLOCK = (
    0o170000, 0o100000, 0o040000, 0o120000, 0o020000, 0o060000)


def unescape(text):
    def byte(match):
        code = match.group(1)
        return bytes([int(code[1:], 16)]) if code[:1] == b"x" else SIMPLE[code]

    return ESCAPE.sub(byte, text)


def read(path):
    inodes, links = {}, {}
    for line in open(path, "rb").read().split(b"\n")[:-1]:
        fields = line.split(b" ")
        name = unescape(fields[0])
        if fields[2].startswith(b"@"):
            links[name] = unescape(fields[8])
            continue
        mode = int(fields[2], 8)
        inodes[name] = {
            "mode": mode,
            "size": int(fields[1]),
            "nlink": int(fields[3]),
            "owner": fields[4] + b":" + fields[5],
            "rdev": int(fields[6]) if mode & TYPE in (CHARACTER, BLOCK) else 0,
            "mtime": fields[7],
            "payload": None if fields[8] == b"-" else unescape(fields[8]),
            "content": None if fields[9] == b"-" else unescape(fields[9]),
            "digest": fields[10],
            "xattrs": dict(map(unescape, x.split(b"=", 1)) for x in fields[11:] if x),
        }
    groups = {name: {name} for name in inodes}
    for name, target in links.items():
        while target in links:
            target = links[target]
        groups[target].add(name)
    return {min(names): (frozenset(names), inodes[name]) for name, names in groups.items()}


def is_whiteout(inode):
    return inode["mode"] & TYPE == CHARACTER and inode["rdev"] == 0


def normalize(tree, version):
    inodes = dict(tree)
    marked = set()
    for name, (names, inode) in inodes.items():
        kind = inode["mode"] & TYPE
        if kind != REGULAR:
            inode["size"] = inode["digest"] = inode["content"] = None
        if kind == DIRECTORY:
            inode["nlink"] = None
        if kind not in (REGULAR, SYMLINK) or inode["size"] == 0 or inode["content"]:
            inode["payload"] = inode["digest"] = None
        if version == 2:
            inode["mtime"] = inode["mtime"].split(b".")[0]
            inode["nlink"] = len(names) if inode["nlink"] is not None else None
        if is_whiteout(inode):
            marked |= {other.rpartition(b"/")[0] or b"/" for other in names}
    for name in marked if version == 1 else ():
        for key in OPAQUE:
            inodes[name][1]["xattrs"].pop(key, None)
    return inodes


def main():
    version, given, got = int(sys.argv[1]), read(sys.argv[2]), read(sys.argv[3])
    given, got = normalize(given, version), normalize(got, version)
    different = 0
    for name in sorted(set(given) | set(got)):
        left, right = given.get(name), got.get(name)
        if left == right:
            continue
        different += 1
        if not left or not right:
            print(f"{name!r}: only in {'the second' if right else 'the first'}")
            continue
        for key in left[1]:
            if left[1][key] != right[1][key]:
                print(f"{name!r}: {key} {left[1][key]!r} became {right[1][key]!r}")
        if left[0] != right[0]:
            print(f"{name!r}: names {sorted(left[0])!r} became {sorted(right[0])!r}")
    print(f"{len(given)} inodes compared, {different} differ")
    return different != 0


sys.exit(main())
