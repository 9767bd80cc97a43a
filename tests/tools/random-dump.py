#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Print a random tree as composefs dump text, always the same for the same seed.

random-dump.py SEED [VERSION]

The trees reach what real ones seldom do: devices, names of any bytes and 255 of them, directories of
more than 64 KiB, hundreds of xattrs on one inode and shared by many, hard links before and after
their target, whiteouts, escaped overlay xattrs, symlinks of 4095 bytes, sizes up to 2^53, times
before 1970. What is valid in the format but not in the kernel (owner -1, a link count of 0, times of
more than 999999999 ns, malformed ACLs and capabilities) is left out, so that all of it can be
compared through a mount. With VERSION 2 the tree keeps to what that format of images can hold.
"""

import random
import sys

ACL = bytes.fromhex("02000000" "01000700ffffffff" "04000500ffffffff" "20000500ffffffff")
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
SIZE_MAX = 1 << 53
XATTRS_SIZE_MAX = 30000  # 32767 less what the writer adds
LINE_XATTRS_MAX = 60000  # 65535 of text
PATH_SIZE_MAX = 3000  # so that every path can be opened in one call
EXTERNAL_SIZES = [1, 64, 65, 4096, 4097, 123456, 1 << 32, (1 << 43) - 1, 1 << 43]


def escape(data, specials=b"="):
    out = bytearray()
    for byte in data:
        if 0x21 <= byte <= 0x7E and byte not in b"\\" + specials:
            out.append(byte)
        else:
            out += b"\\x%02x" % byte
    return bytes(out)


def optional(data):
    if data is None:
        return b"-"
    return b"\\x2d" if data == b"-" else escape(data, b"")


class Generator:
    external_sizes = EXTERNAL_SIZES + [(1 << 43) + 1, 900 << 43, SIZE_MAX - 1, SIZE_MAX]
    inline_sizes = [1, 10, 64, 2048, 2049, 4095, 4096, 4097, 5000]
    symlink_sizes = [1, 7, 60, 3000, 4030, 4064, 4095]
    odd_percent = 10  # external files without digest

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.base_time = self.random.choice([0, 1, 1700000000, -5])
        self.pool = [self.xattr() for _ in range(self.random.choice([3, 20, 200]))]
        self.lines = []
        self.dirs = []  # (path, set of names)
        self.targets = []  # paths that may be linked to
        self.whiteouts = set()

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def bytes_of(self, size, forbidden=b""):
        allowed = [b for b in range(256) if b not in forbidden]
        return bytes(self.random.choices(allowed, k=size))

    def name(self):
        kind = self.random.randrange(10)
        if kind < 5:
            size = self.random.randint(1, 12)
            return bytes(self.random.choices(b"abcdefghijklmnopqrstuvwxyz.-_0123456789", k=size))
        if kind < 7:
            return b"%02x" % self.random.randrange(256)  # names of stubs
        if kind < 8:
            return self.bytes_of(self.random.randint(200, 255), b"/\0")
        return self.bytes_of(self.random.randint(1, 40), b"/\0")

    def new_name(self, names):
        while True:
            name = self.name()
            if name not in (b".", b"..") and name not in names:
                names.add(name)
                return name

    def xattr(self):
        prefix = self.random.choice(
            [b"user.", b"user.", b"trusted.", b"security.", b"trusted.overlay.",
             b"trusted.overlay.overlay.", b"user.overlay.", b"lustre.", b"none"])
        room = 255 - len(prefix) - len(b"overlay.")
        size = self.random.choice([1, 5, 12, room])
        key = prefix + self.bytes_of(size, b"\0")
        return key, self.bytes_of(self.random.choice([0, 1, 4, 10, 30, 300]))

    def xattrs(self, mode):
        chosen = {}
        if self.chance(60):
            return b""
        count = self.random.choice([1, 1, 2, 3, 8]) if self.chance(90) else 400
        for _ in range(count):
            key, value = self.random.choice(self.pool) if self.chance(60) else self.xattr()
            chosen[key] = value
        if self.chance(10):
            chosen[b"system.posix_acl_access"] = ACL
        if mode & 0o170000 == 0o040000 and self.chance(10):
            chosen[b"system.posix_acl_default"] = ACL
        if mode & 0o170000 == 0o100000 and self.chance(5):
            chosen[b"security.capability"] = CAPABILITY
        if self.chance(5):
            chosen[b"trusted.overlay.opaque"] = b"y"
        if mode & 0o170000 == 0o120000:  # no ACLs on symlinks
            chosen.pop(b"system.posix_acl_access", None)
        text, size = b"", 12
        for key, value in chosen.items():
            item = b" " + escape(key) + b"=" + escape(value)
            size += 7 + len(key) + len(value)
            if size > XATTRS_SIZE_MAX or len(text) + len(item) > LINE_XATTRS_MAX:
                break
            text += item
        return text

    def time(self):
        if self.chance(60):
            return b"%d.0" % self.base_time
        seconds = self.random.choice([-1000000, 0, 5, 1700000000, 1 << 33])
        return b"%d.%d" % (seconds, self.random.choice([0, 1, 999999999]))

    def owner(self):
        return 0 if self.chance(60) else self.random.choice([1000, 65535, 65536, 4294967294])

    def put(self, path, mode, size, rdev=0, payload=None, content=None, digest=None):
        nlink = 1 if self.chance(80) else self.random.choice([2, 65535, 65536, 4294967295])
        mode |= self.random.choice([0o644, 0o755, 0o4755, 0o1777, 0])
        fields = [
            escape(path, b""), b"%d" % size, b"%o" % mode, b"%d" % nlink, b"%d" % self.owner(),
            b"%d" % self.owner(), b"%d" % rdev, self.time(), optional(payload), optional(content),
            digest or b"-"]
        self.lines.append(b" ".join(fields) + self.xattrs(mode))

    def external(self, path):
        size = self.random.choice(self.external_sizes)
        digest = self.bytes_of(32).hex().encode()
        if self.chance(self.odd_percent):
            payload, digest = (b"some/where", None) if self.chance(50) else (None, None)
        else:
            payload = digest[:2] + b"/" + digest[2:]
        self.put(path, 0o100000, size, payload=payload, digest=digest)

    def file(self, path):
        kind = self.random.randrange(12)
        if kind < 4:
            self.external(path)
        elif kind < 6:
            size = self.random.choice(self.inline_sizes)
            self.put(path, 0o100000, size, content=self.bytes_of(size))
        elif kind < 7:
            self.put(path, 0o100000, 0)
        elif kind < 9:
            size = self.random.choice(self.symlink_sizes)
            self.put(path, 0o120000, size, payload=self.bytes_of(size, b"\0"))
        elif kind < 10:
            self.put(path, 0o020000, 0)
            self.whiteouts.add(path)
        elif kind < 11:
            major, minor = self.random.choice([(1, 3), (8, 300), (4095, 1048575)])
            rdev = (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12
            self.put(path, self.random.choice([0o020000, 0o060000]), 0, rdev=rdev)
        else:
            self.put(path, self.random.choice([0o010000, 0o140000]), 0)
        self.targets.append(path)

    def add(self):
        path, names = self.random.choice(self.dirs)
        child = path + b"/" + self.new_name(names)
        if self.chance(20) and len(child) < PATH_SIZE_MAX - 256:
            self.put(child, 0o040000, 0)
            self.dirs.append((child, set()))
        elif len(child) < PATH_SIZE_MAX:
            self.file(child)

    def big_directory(self):
        path, names = self.random.choice(self.dirs)
        for _ in range(self.random.choice([300, 700])):
            child = path + b"/" + self.new_name(names)
            while len(child) < len(path) + 150:
                child += b"%d" % self.random.randrange(10)
            names.add(child[len(path) + 1 :])
            self.put(child[: len(path) + 256], 0o100000, 0)

    def deep(self):
        path, names = self.dirs[0]
        for _ in range(200):
            path += b"/" + self.new_name(names)[:8].rstrip(b".") + b"d"
            names = set()
            if len(path) > PATH_SIZE_MAX:
                break
            self.put(path, 0o040000, 0)
            self.dirs.append((path, names))

    def hard_links(self):
        for _ in range(self.random.randrange(10)):
            path, names = self.random.choice(self.dirs)
            child = path + b"/" + self.new_name(names)
            if not self.targets or len(child) > PATH_SIZE_MAX:
                continue
            target = self.random.choice(self.targets)
            # Where two directories with whiteouts share one, an image need not tell whose it is.
            if target in self.whiteouts and path in {w.rpartition(b"/")[0] for w in self.whiteouts}:
                continue
            line = b"%s 0 @100644 1 0 0 0 0.0 %s - -" % (escape(child, b""), escape(target, b""))
            self.lines.append(line)

    def tree(self):
        self.put(b"/", 0o040000, 0)
        self.dirs.append((b"", set()))
        for _ in range(self.random.choice([0, 5, 30, 150])):
            self.add()
        if self.chance(10):
            self.deep()
        if self.chance(15):
            self.big_directory()
        self.hard_links()
        return b"\n".join(self.lines) + b"\n"


class GeneratorOfVersion2(Generator):
    external_sizes = EXTERNAL_SIZES
    inline_sizes = [1, 10, 64, 65, 500, 511, 512]
    symlink_sizes = [1, 7, 60, 500, 1000, 1023, 1024]
    odd_percent = 0


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: random-dump.py SEED [VERSION]")
    generator = GeneratorOfVersion2 if sys.argv[2:] == ["2"] else Generator
    sys.stdout.buffer.write(generator(int(sys.argv[1])).tree())


main()
