# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""What lamina wants to reach: each bar one line, with what was reached."""

import dataclasses
from typing import Optional


@dataclasses.dataclass
class Bar:
    name: str
    ours: tuple                  # (workload, contender)
    limit: float
    peer: Optional[tuple] = None  # (workload, contender); without one the limit is absolute
    faster: bool = False         # the limit is the least speed, not the most time


def against(name, workload, contender, peer, limit, faster=False):
    return Bar(name, (workload, contender), limit, (workload, peer), faster)


COLD, WARM = "walk, cold", "walk, warm"
FIRST, SECOND = "read all files, first time", "read all files, second time"
LOOKUPS, SMALLS = "look-ups, cold, {} at a time", "small files, first time, {} at a time"
SERVERS = ("standalone", "standalone-uring", "overlay", "overlay-uring")
PRIVATE = "{}, walked: private, less 64 KiB a thread"

BARS = [
    against("standalone, cold walk", COLD, "standalone", "kernel", 1.0),
    against("standalone, cold walk", COLD, "standalone", "composefs-fuse", 0.75),
    against("standalone over io_uring, cold walk", COLD, "standalone-uring", "kernel", 1.0),
    against("standalone over io_uring, cold walk", COLD, "standalone-uring", "composefs-fuse", 0.75),
    against("standalone, warm walk", WARM, "standalone", "kernel", 1.1),
    against("standalone, first read of all files", FIRST, "standalone", "composefs-fuse", 0.6),
    against("standalone, second read of all files", SECOND, "standalone", "kernel", 1.3),
    against("overlay in a user namespace over io_uring, cold walk", COLD, "overlay-uring", "composefs-overlay", 0.45),
    against("overlay in a user namespace, cold walk", COLD, "overlay", "composefs-overlay", 0.75),
    against("overlay in a user namespace, warm walk", WARM, "overlay", "kernel", 1.1),
    against("overlay, sequential read", "sequential, cached", "overlay", "object", 0.98, faster=True),
    against("passthrough, sequential read", "sequential, cached", "passthrough", "object", 0.97, faster=True),
    against("passthrough, mmap", "mmap, cached", "passthrough", "object", 0.97, faster=True),
    *(against("pull an image", "pull an image", "lamina", peer, 1 / 3) for peer in ("skopeo and umoci", "podman")),
    *(Bar(f"{name}, two clients look up", (LOOKUPS.format(2), name), 1.7, (LOOKUPS.format(1), name), True)
      for name in SERVERS),
    *(Bar(f"{name}, two clients read small files", (SMALLS.format(2), name), 1.7, (SMALLS.format(1), name), True)
      for name in SERVERS),
    *(against(f"{ours}, look-ups, CPUs busy", LOOKUPS.format(1) + ", CPUs busy", ours, peer, 1.0)
      for ours, peer in (("standalone", "composefs-fuse"), ("overlay", "composefs-overlay"))),
    *(Bar(f"{name}, private memory less 64 KiB a thread, {image}", (PRIVATE.format(image), name), 1024)
      for name in SERVERS for image in ("tree", "million")),
    *(Bar(f"{name}, 100 mounts share the image's pages", ("100 mounts: Pss of the image's pages", name), 5,
          ("1 mount: Rss of the image's pages", name)) for name in SERVERS),
    *(Bar(f"{name}, mount, {image}", (f"mount, {image}", name), 0.005)
      for name in ("lamina-kernel", *SERVERS) for image in ("small", "million")),
    *(against(f"{name}, mount, {image}", f"mount, {image}", name, "kernel", 1.5)
      for name in ("lamina-kernel", *SERVERS) for image in ("small", "million")),
]


def reached(bar, samples):
    if bar.peer is None:
        return samples.middle(*bar.ours)
    ratio = samples.ratio(bar.ours, bar.peer)
    return 1 / ratio if bar.faster and ratio else ratio


def judge(bar, samples):
    """(reached, True, False or None when not measured)."""
    value = reached(bar, samples)
    if value is None:
        return None, None
    return value, value >= bar.limit if bar.faster else value <= bar.limit


def compared_with(bar):
    """The peer in words: another contender, or the same with another workload."""
    if bar.peer is None:
        return ""
    workload, name = bar.peer
    return name if workload == bar.ours[0] else f"the same, {workload}"
