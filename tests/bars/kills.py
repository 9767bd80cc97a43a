#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Kill pulls from a registry at random points, and look at what is left each time.

kills.py LAMINA IMAGE LOG REPO [--kills N] [--seed S]

LAMINA pulls IMAGE ("localhost:port/name:tag") into REPO, which is made anew whenever a pull was not killed in time.
LOG is where the registry notes its requests. After each kill the repository opens and `fsck` finds nothing; the next
pull, which goes on from there and is killed itself, asks for no layer that was whole before. What comes of it in the
end is the image of a pull that nobody disturbed. Prints what was done, and exits with 1 at the first thing that is wrong.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import time

BLOB = re.compile(r'"GET [^ ]*/blobs/(sha256:[0-9a-f]{64})[^"]*" (\d+) (\d+)')


class Wrong(Exception):
    pass


class Pulls:
    def __init__(self, arguments):
        self.program, self.image, self.repo = arguments.lamina, arguments.image, pathlib.Path(arguments.repo)
        self.log = pathlib.Path(arguments.log)
        self.log_at = 0
        self.environment = os.environ | {"LAMINA_REPO": str(self.repo)}

    def run(self, *words):
        done = subprocess.run([self.program, *words], env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong("lamina %s: status %d: %s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
        return done.stdout

    def begin(self):
        shutil.rmtree(self.repo, ignore_errors=True)
        self.run("init")

    def pull(self, delay=None):
        """Whether it was killed, after delay seconds."""
        pull = subprocess.Popen([self.program, "pull", "-q", "--tls-verify=false", self.image, "it"], env=self.environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, said = pull.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            pull.kill()
            pull.communicate()
            return True
        if pull.returncode:
            raise Wrong("a pull that nobody killed failed: " + said)
        return False

    def requests(self):
        """Blobs that were asked for since the last time, {digest: bytes that were sent}."""
        time.sleep(0.02)  # what a dead client was sent is noted a little later
        with self.log.open() as source:
            source.seek(self.log_at)
            lines = source.read()
            self.log_at = source.tell()
        asked = collections.Counter()
        for digest, status, size in BLOB.findall(lines):
            if status in ("200", "206"):
                asked[digest] += int(size)
        return asked

    def whole(self):
        """diff_ids of the layers that the repository has."""
        streams = self.repo / "streams"
        names = os.listdir(streams) if streams.exists() else []
        return {name[len("oci-layer-"):] for name in names if name.startswith("oci-layer-")}

    def check(self):
        self.run("images")
        self.run("fsck")


def layers_of(pulls):
    """{diff_id: (digest of the blob, its size)}, of the image when it is there."""
    manifest = json.loads(pulls.run("inspect", "--manifest", "it"))
    config = json.loads(pulls.run("inspect", "--config", "it"))
    return {diff_id: (layer["digest"], layer["size"])
            for diff_id, layer in zip(config["rootfs"]["diff_ids"], manifest["layers"])}


def measure(pulls):
    """How long a pull takes that nobody kills, what its image is, and its layers."""
    times = []
    for _ in range(5):
        pulls.begin()
        start = time.monotonic()
        pulls.pull()
        times.append(time.monotonic() - start)
    return statistics.median(times), pulls.run("inspect", "--json", "it"), layers_of(pulls)


def kill_all(pulls, count, dice):
    usual, wanted, layers = measure(pulls)
    print("an undisturbed pull takes %.0f ms: %d layers" % (usual * 1000, len(layers)))
    pulls.requests()
    pulls.begin()
    done = collections.Counter()
    brought = collections.Counter()  # since the repository was new: how often a blob came to its end
    kept = collections.Counter()
    while done["kills"] < count:
        before = pulls.whole()
        # half of the kills early, where most of a resumed pull is; else wherever a whole one could be
        delay = dice.uniform(0, usual * dice.choice((0.3, 1.05)))
        was_killed = pulls.pull(delay)
        pulls.check()
        asked = pulls.requests()
        for diff_id in before:
            if layers[diff_id][0] in asked:
                raise Wrong("after %d kills, layer %s was whole and was asked for again" % (done["kills"], layers[diff_id][0]))
        done["pulls"] += 1
        for digest, size in layers.values():
            brought[digest] += asked[digest] >= size
        if was_killed:
            done["kills"] += 1
            kept[len(pulls.whole())] += 1
        if not was_killed:
            done["complete"] += 1
        if not was_killed or dice.random() < 0.02:
            pulls.pull()
            pulls.run("fsck")
            if pulls.run("inspect", "--json", "it") != wanted:
                raise Wrong("the image is not that of an undisturbed pull")
            pulls.begin()
            pulls.requests()
            done["again"] += sum(count - 1 for count in brought.values() if count > 1)
            brought.clear()
    pulls.pull()
    pulls.run("fsck")
    if pulls.run("inspect", "--json", "it") != wanted:
        raise Wrong("the image is not that of an undisturbed pull")
    print("%(kills)d kills in %(pulls)d pulls, of which %(complete)d came to their end" % done)
    print("layers that the registry had sent whole, but that were killed before they were on disk: %(again)d" % done)
    print("layers that were whole after a kill, and how often: "
          + ", ".join("%d: %d" % item for item in sorted(kept.items())))


def main():
    parser = argparse.ArgumentParser()
    for name in ("lamina", "image", "log", "repo"):
        parser.add_argument(name)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print("seed %d" % arguments.seed, flush=True)
    try:
        kill_all(Pulls(arguments), arguments.kills, random.Random(arguments.seed))
    except Wrong as wrong:
        sys.exit("wrong: %s" % wrong)


main()
