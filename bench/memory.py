# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""What a server takes: memory (/proc/PID/smaps_rollup), threads and descriptors, with one and with many mounts."""

import os

from session import children

MOUNTS = (1, 10, 100)


def rollup(pid):
    """The fields of smaps_rollup, in KiB."""
    fields = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                fields[words[0].rstrip(":")] = int(words[1])
    return fields


def image_pages(pid, inode):
    """Resident and proportional size of the mapping of the image, in KiB; zeros where it is not mapped."""
    found = {"Rss": 0, "Pss": 0}
    ours = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if "-" in words[0]:
                ours = words[4] == str(inode)
            elif ours and words[0].rstrip(":") in found:
                found[words[0].rstrip(":")] += int(words[1])
    return found


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def processes(pid):
    """A server, and what it has started: under a supervisor it is a process of its own."""
    return [pid, *(below for child in sorted(children(pid)) for below in processes(child))]


def total(pids, of):
    return sum(of(pid) for pid in pids)


def value(number, unit="KiB"):
    return {"value": number, "unit": unit}


def private(pid):
    """What is this server's alone: the larger of the two ways to count it."""
    fields = rollup(pid)
    return max(fields["Private_Dirty"], fields["Anonymous"])


def one(s, pids, title):
    """Of all processes of a mount together."""
    fields = [rollup(pid) for pid in pids]
    for name in ("Private_Dirty", "Anonymous", "Pss", "Rss"):
        s.samples[f"{title}: {name}"] = value(sum(field[name] for field in fields))
    s.samples[f"{title}: private"] = value(total(pids, private))
    s.samples[f"{title}: private, less 64 KiB a thread"] = \
        value(max(total(pids, private) - 64 * total(pids, threads), 0))
    s.samples[f"{title}: processes"] = value(len(pids), "")
    s.samples[f"{title}: threads"] = value(total(pids, threads), "")
    s.samples[f"{title}: descriptors"] = value(total(pids, lambda pid: len(os.listdir(f"/proc/{pid}/fd"))), "")


def walked(s, name, title):
    """One mount, after a walk over all of it."""
    if not s.shows(name):
        return
    with s.mounted(name) as root:
        pids = children()
        s.driver("walk", root)
        if len(pids) != 1:
            s.failures[title] = f"{len(pids)} servers, expected one"
            return
        one(s, processes(pids.pop()), title)


def many(s):
    """More mounts of one image, each after a walk over its wide directory."""
    facts = s.data["tree"]
    inode = os.stat(facts["image"]).st_ino
    for count in MOUNTS:
        targets = [os.path.join(s.work, f"mnt-{number}") for number in range(count)]
        try:
            for target in targets:
                s.mount("tree", target)
                s.driver("walk", os.path.join(target, facts["wide"]))
            pids = [pid for server in children() for pid in processes(server)]
            fields = [rollup(pid) for pid in pids]
            pages = [image_pages(pid, inode) for pid in pids]
            title = f"{count} mount{'s' * (count > 1)}"
            s.samples[f"{title}: servers"] = value(len(children()), "")
            for name in ("Pss", "Rss"):
                if any(page[name] for page in pages):
                    s.samples[f"{title}: {name} of the image's pages"] = value(sum(page[name] for page in pages))
            for name in ("Pss", "Rss", "Private_Dirty"):
                s.samples[f"{title}: {name} of all"] = value(sum(field[name] for field in fields))
        finally:
            for target in targets:
                s.unmount(target)
            s.servers_end()


def work(s):
    try:
        walked(s, "tree", "tree, walked")
        walked(s, "million", "million, walked")
        if s.shows("tree"):
            many(s)
    except OSError as error:
        s.failures["memory"] = str(error)
