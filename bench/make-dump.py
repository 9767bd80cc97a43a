#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Write composefs dump text to measure with.

make-dump.py [LINES] > FILE

LINES (118,526) inodes as a distribution has them: four of five regular files external, with backing path, digest and
a SELinux label of ten, the rest symbolic links and small inline files; directories of 5 to 60 files, up to ten deep.
The same number of lines gives the same text.
"""

import hashlib
import random
import sys

TYPES = ("bin", "lib", "usr", "etc", "man", "locale", "fonts", "src", "modules_object", "cert")
LABELS = [f" security.selinux=system_u:object_r:{name}_t:s0\\x00" for name in TYPES]
LETTERS = "abcdefghijklmnopqrstuvwxyz_-0123456789"
ENDINGS = ("", ".so", ".py", ".h", ".txt", ".gz")
ROOT = "/ 4096 40755 2 0 0 0 1700000000.0 - - - security.selinux=system_u:object_r:root_t:s0\\x00"


class Dump:
    def __init__(self, lines):
        self.rng = random.Random(5)
        self.left = lines
        self.digests = lines * 3

    def line(self, text):
        if self.left:
            print(text)
            self.left -= 1

    def names(self, count):
        letters = range(self.rng.randint(4, 22))
        found = {"".join(self.rng.choice(LETTERS) for _ in letters) + self.rng.choice(ENDINGS)
                 for _ in range(count)}
        return sorted(found)

    def file(self, path):
        rng = self.rng
        time = f"{rng.randint(1_600_000_000, 1_700_000_000)}.{rng.randint(0, 999_999_999)}"
        label = rng.choice(LABELS)
        kind = rng.random()
        if kind < 0.12:
            self.line(f"{path} 10 120777 1 0 0 0 {time} {self.names(1)[0]} - -{label}")
        elif kind < 0.2:
            self.line(f"{path} 11 100644 1 0 0 0 {time} - hello\\x20you\\n\\x00 -{label}")
        else:
            digest = hashlib.sha256(b"%d" % rng.randint(0, self.digests)).hexdigest()
            size = rng.randint(65, 10 ** rng.randint(3, 7))
            self.line(f"{path} {size} 100644 1 0 0 0 {time} {digest[:2]}/{digest[2:]} - {digest}{label}")

    def directory(self, path, depth):
        self.line(f"{path} 4096 40755 2 0 0 0 1650000000.5 - - -{self.rng.choice(LABELS)}")
        for name in self.names(self.rng.randint(5, 60)):
            self.file(f"{path}/f-{name}")
        if depth < 10:
            for name in self.names(self.rng.randint(1, 6)):
                if self.left:
                    self.directory(f"{path}/d-{name}", depth + 1)


def main():
    dump = Dump(int(sys.argv[1]) if len(sys.argv) > 1 else 118_526)
    dump.line(ROOT)
    top = 0
    while dump.left:
        dump.directory(f"/top-{top:04}", 1)
        top += 1


main()
