#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Check that every #include stays within what tools/rooms.txt allows.

check-rooms.py           report violations, exit 1 when there is one
check-rooms.py --graph   print the rooms as a Mermaid graph
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def read_rooms(path):
    rooms = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, _, allowed = line.partition(":")
        for name in allowed.split():
            if name not in rooms:
                sys.exit(f"{path}: {room} names {name}, which is not above it")
        rooms[room] = allowed.split()
    return rooms


def violations(rooms):
    sources = sorted((ROOT / "src").rglob("*.[ch]"))
    if not sources:
        yield "no sources found: the check would prove nothing"
    for source in sources:
        place = source.relative_to(ROOT)
        room = place.parts[1]
        if room not in rooms or len(place.parts) != 3:
            yield f"{place}: not in a room of tools/rooms.txt"
            continue
        for number, line in enumerate(source.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            if "/" not in target:
                yield f'{place}:{number}: "{target}" is not spelled from src/'
                continue
            other = target.split("/")[0]
            if other != room and other not in rooms[room]:
                yield f"{place}:{number}: {room} may not include {other}"
            if other != room and target.endswith("_private.h"):
                yield f"{place}:{number}: {target} is private to {other}"
            if not (ROOT / "src" / target).exists():
                yield f"{place}:{number}: {target} does not exist"


def graph(rooms):
    print("graph TD")
    for room, allowed in rooms.items():
        # Only the edges that are not implied by others: the picture stays readable.
        implied = {far for near in allowed for far in rooms[near]}
        for other in allowed:
            if other not in implied:
                print(f"    {room} --> {other}")
        if not allowed:
            print(f"    {room}")


def main():
    rooms = read_rooms(ROOT / "tools" / "rooms.txt")
    if "--graph" in sys.argv[1:]:
        graph(rooms)
        return 0
    found = list(violations(rooms))
    for line in found:
        print(line)
    return 1 if found else 0


sys.exit(main())
