#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Make a tree of real files to measure with.

make-tree.py DIR [FILES [BYTES]]

Copies files of this machine's /usr (at most 1 MiB each) into DIR until it has FILES (100,000) files, about 15 % of
them duplicates and 2 % of at most 64 bytes, in directories of uneven size and depth, with symbolic links and user
xattrs, every tenth in one wide directory; then large files until it holds BYTES (2 GB). The same machine gives the same
tree.
"""

import os
import pathlib
import random
import shutil
import sys

SIZE_MAX = 1 << 20


def usr_files():
    for directory, names, files in os.walk("/usr"):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            try:
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                if 0 < os.path.getsize(path) <= SIZE_MAX and os.access(path, os.R_OK):
                    yield path
            except OSError:
                continue


def main():
    root = pathlib.Path(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    wanted_bytes = int(sys.argv[3]) if len(sys.argv) > 3 else 2_000_000_000
    rng = random.Random(20)
    sources = list(usr_files())
    rng.shuffle(sources)
    sources.sort(key=os.path.getsize)
    # Small files first: what a tree of that many files and bytes looks like.
    sources = sources[:int(wanted * 0.83)]
    rng.shuffle(sources)
    root.mkdir(parents=True)
    directories = [root]
    wide = root / "wide"
    wide.mkdir()
    written = 0
    for count in range(wanted):
        if count % 7 == 0:
            parent = rng.choice(directories[-200:])
            if len(parent.relative_to(root).parts) > 12:
                parent = root
            new = parent / f"dir-{count:06}"
            new.mkdir()
            directories.append(new)
        parent = wide if count % 10 == 3 else rng.choice(directories[-50:])
        target = parent / f"file-{count:06}"
        if count % 50 == 0:
            target.write_text(f"small {count}\n")
            written += 16
        else:
            # Past the distinct files, and now and then before: a second copy of one.
            source = sources[count] if count < len(sources) else rng.choice(sources)
            shutil.copyfile(source, target)
            os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)
            written += target.stat().st_size
        if count % 50 == 1:
            try:
                os.setxattr(target, "user.note", f"note {count % 10}".encode())
            except OSError:
                pass
        if count % 33 == 2:
            target.with_suffix(".link").symlink_to(target.name)
        os.utime(target, ns=(0, 1_600_000_000_000_000_000 + count * 1_000_003))
    for count in range(1000):
        if written >= wanted_bytes:
            break
        size = rng.randrange(1 << 20, 16 << 20)
        with open(root / f"large-{count:03}", "wb") as out:
            out.write(rng.randbytes(size))
        written += size
    print(f"{wanted} files, {written} bytes, {len(directories)} directories")


main()
