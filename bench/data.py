# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""The data sets, made in the bench's folder and kept; what is missing is made.

tree      BENCH_FILES files of /usr in BENCH_BYTES, as a plain tree, a repository, an EROFS and a squashfs image
million   an image of BENCH_MILLION empty files in directories of a thousand
small     an image of a thousand of them
"""

import fcntl
import os
import pathlib
import random
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SMALL_BYTES = 64 << 10
SMALL_FILES_MAX = 30_000
LOOKUPS_MAX = 30_000


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def make(path, how):
    """Make a file or folder under another name first, so that an interrupted one is made again."""
    if path.exists():
        return
    say(f"making {path.parent.name}/{path.name}")
    new = path.with_name("new-" + path.name)
    if new.is_dir() and not new.is_symlink():
        shutil.rmtree(new)
    new.unlink(missing_ok=True)
    how(new)
    new.rename(path)


class Folder:
    """The bench's folder, for one bench at a time; what a killed one left in it goes."""

    def __init__(self, path):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path.resolve()
        self.lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("bench: another bench works in this folder\nhint: BENCH_DIR= names another one")
        for left in (*self.path.glob("run-*"), *self.path.glob("work-*")):
            shutil.rmtree(left)


class Data:
    def __init__(self, folder, sizes, programs):
        self.folder = folder
        self.sizes = sizes
        self.programs = programs
        self.tree_folder = folder / "tree-{files}-{bytes}-{large}".format(**sizes)
        self.tree = self.tree_folder / "tree"

    def make_tree(self, new):
        run(HERE / "make-tree.py", new, self.sizes["files"], self.sizes["bytes"])
        rng = random.Random(21)
        with open(new / "large", "wb") as out:
            for _ in range(self.sizes["large"] >> 20):
                out.write(rng.randbytes(1 << 20))

    def make_lists(self, new):
        """What drivers look up and read: relative paths, one a line, always the same ones in the same order."""
        paths, files, smalls = [], [], []
        for place, directories, names in os.walk(self.tree):
            for name in directories + names:
                path = os.path.join(place, name)
                short = os.path.relpath(path, self.tree)
                paths.append(short)
                if name in names and not os.path.islink(path):
                    files.append(short)
                    if os.path.getsize(path) <= SMALL_BYTES:
                        smalls.append(short)
        rng = random.Random(22)
        paths.sort()
        looked_up = [path + "-missing" if rng.random() < 0.2 else path
                     for path in rng.sample(paths, min(len(paths), LOOKUPS_MAX))]
        # Neighbours, as a project's files are.
        paths = paths[:LOOKUPS_MAX]
        objects = self.tree_folder / "repo" / "objects"
        stored = [str(path.relative_to(objects)) for path in objects.glob("??/*")]
        smalls = rng.sample(sorted(smalls), min(len(smalls), SMALL_FILES_MAX))
        new.mkdir()
        for name, lines in (("paths", paths), ("files", sorted(files)), ("smalls", sorted(smalls)),
                            ("random", looked_up), ("objects", sorted(stored))):
            (new / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8",
                                    errors="surrogateescape")

    def make_repo(self, new):
        run(self.programs["lamina"], "init", "--repo", new)
        run(self.programs["lamina"], "import", "-q", "--repo", new, self.tree, "tree")

    def make_dump(self, new, entries):
        with open(new, "w", encoding="ascii") as out:
            out.write("/ 0 40755 1 0 0 0 0.0 - - -\n")
            for directory in range(max(entries // 1000, 1)):
                out.write(f"/d{directory} 0 40755 1 0 0 0 0.0 - - -\n")
                out.writelines(f"/d{directory}/f{i} 0 100644 1 0 0 0 0.0 - - -\n" for i in range(1000))

    def make_build_dump(self):
        """A dump as a distribution has it, to build from; 118,526 lines for 100,000 files."""
        lines = int(self.sizes["files"] * 1.18526)
        path = self.folder / f"build-{lines}.dump"

        def how(new):
            with open(new, "wb") as out:
                subprocess.run([HERE / "make-dump.py", str(lines)], check=True, stdout=out)
        make(path, how)
        return path

    def make_oci(self, how):
        """An OCI layout of files of the tree."""
        path = self.folder / "oci-{files}-{layer_files}-{layer_bytes}".format(**self.sizes)
        make(path, how)
        return path

    def make_peers(self):
        if "mkfs.erofs" in self.programs:
            make(self.tree_folder / "tree.erofs", lambda new: run(self.programs["mkfs.erofs"], new, self.tree))
        if "mksquashfs" in self.programs:
            # Uncompressed, as the objects are: what is compared is the way to the data, not a decompressor.
            make(self.tree_folder / "tree.squashfs",
                 lambda new: run(self.programs["mksquashfs"], self.tree, new, "-noI", "-noD", "-noF", "-noX",
                                 "-no-progress"))

    def tree_facts(self):
        repo, lists = self.tree_folder / "repo", self.tree_folder / "lists"
        image = (repo / "images" / "refs" / "tree").resolve()
        digest = subprocess.run([self.programs["lamina"], "digest", self.tree / "large"], capture_output=True,
                                text=True, check=True).stdout.split()[0].partition(":")[2]
        facts = {"name": "tree", "tree": self.tree, "repo": repo, "image": image, "objects": repo / "objects",
                 "first": "large", "wide": "wide", "large": "large", "large_plain": self.tree / "large",
                 "large_object": repo / "objects" / digest[:2] / digest[2:],
                 **{name: lists / name for name in ("paths", "files", "smalls", "random")}}
        for name in ("erofs", "squashfs"):
            if (self.tree_folder / f"tree.{name}").exists():
                facts[name] = self.tree_folder / f"tree.{name}"
        return {key: str(value) for key, value in facts.items()}

    def make_all(self):
        """Make what is missing, give the facts of each data set."""
        self.tree_folder.mkdir(parents=True, exist_ok=True)
        make(self.tree, self.make_tree)
        make(self.tree_folder / "repo", self.make_repo)
        make(self.tree_folder / "lists", self.make_lists)
        self.make_peers()
        facts = {"tree": self.tree_facts()}
        (self.folder / "no-objects").mkdir(exist_ok=True)
        for name, entries in (("small", 1000), ("million", self.sizes["million"])):
            dump = self.folder / f"entries-{entries}.dump"
            make(dump, lambda new, count=entries: self.make_dump(new, count))
            make(dump.with_suffix(".image"),
                 lambda new, source=dump: run(self.programs["lamina"], "build", "-q", source, new))
            facts[name] = {"name": name, "image": str(dump.with_suffix(".image")), "first": "d0/f5",
                           "objects": str(self.folder / "no-objects"), "dump": str(dump)}
        # A dirty page that one process maps would count as its own.
        run("sync", *(facts[name]["image"] for name in facts))
        return facts

    def warm(self, facts, needs):
        """Read once what contenders need, so that it comes from the page cache from here on."""
        reader = os.path.join(self.programs["drivers"], "bench-readall")
        tree = facts["tree"]
        if "image" in needs:
            run(reader, tree["objects"], self.tree_folder / "lists" / "objects")
        if "tree" in needs:
            run(reader, tree["tree"], tree["files"])
        for name in facts:
            for kind in ("image", "erofs", "squashfs"):
                if kind in facts[name] and kind in needs:
                    run("sh", "-c", 'cat "$0" >/dev/null', facts[name][kind])
