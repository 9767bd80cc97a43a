# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Rounds, in which the contenders take turns, and what the samples say together.

Contenders go A B C, B C A, … so that a machine that changes its speed changes it for all, and nobody is always first.
A ratio is the median of the ratios within each round.
"""

import ctypes
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import workloads

AGENT = pathlib.Path(__file__).resolve().parent / "agent.py"
TURN_TIMEOUT_S = 900
SLOW_FACTOR = 4  # times the median turn of a group
PR_SET_PDEATHSIG = 1


def works(*command):
    return subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0


class Namespaces:
    """How an agent is started: its mounts are its own, and everything ends with it."""

    def __init__(self):
        pid = ["--pid", "--mount-proc", "--kill-child=SIGKILL"]
        no_pid = ["--kill-child=SIGTERM"]
        self.commands = {}
        for where, options in (("root", ["-m"]), ("userns", ["-Urm"])):
            for more in (pid, no_pid):
                command = ["unshare", *options, "--fork", *more]
                if works(*command):
                    self.commands[where] = command
                    break
        self.commands["plain"] = []

    def missing(self, contender):
        return None if contender.where in self.commands else "unshare is not possible here"


def end_with_us():
    """In an agent before it starts: however the bench ends, the agent and its namespaces do, too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def turn(namespaces, contender, group, programs, data, folder):
    """One contender's turn in a group, in an agent of its own; gives its answer."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as work:
        request = {"contender": contender.name, "group": group, "programs": programs, "data": data, "work": work}
        try:
            agent = subprocess.run([*namespaces.commands[contender.where], sys.executable, str(AGENT)],
                                   input=json.dumps(request), capture_output=True, text=True, check=False,
                                   timeout=TURN_TIMEOUT_S, start_new_session=True, preexec_fn=end_with_us)
        except subprocess.TimeoutExpired:
            return {"samples": {}, "failures": {"all": f"no end after {TURN_TIMEOUT_S} s"}}
        if agent.returncode:
            talk = agent.stderr.strip().splitlines()
            return {"samples": {}, "failures": {"all": talk[-1] if talk else f"status {agent.returncode}"}}
        answer = json.loads(agent.stdout)
        # Places of this machine are nothing for a report.
        places = {work + "/": "", str(folder) + "/": ""}
        places.update({path: name for name, path in programs.items() if name != "options"})
        for what, why in answer["failures"].items():
            for place, name in places.items():
                why = why.replace(place, name)
            answer["failures"][what] = why
        return answer


def takes_part(contender, group, data):
    """None, or why a contender has no turn in a group."""
    if contender.name == "object" and group.title != "One large file":
        return "one file"
    if group.fuse_only and not contender.fuse:
        return "no server"
    if group.mounted_only and contender.command is None:
        return "no mount"
    if not any(all(key in facts for key in contender.needs) for facts in data.values()):
        return "no " + " or ".join(contender.needs) + " to show"
    return None


class Samples:
    """values[workload][contender] = {round: value}, in the order of the first appearance."""

    def __init__(self):
        self.groups = {}      # group: [workload]
        self.raw = {}         # workload: contender: [sample with its round]
        self.failures = {}    # (contender, group, what): why

    def add(self, group, contender, number, answer):
        for what, why in answer["failures"].items():
            self.failures.setdefault((contender, group, what), why)
        for workload, sample in answer["samples"].items():
            if workload not in self.groups.setdefault(group, []):
                self.groups[group].append(workload)
            self.raw.setdefault(workload, {}).setdefault(contender, []).append({"round": number, **sample})

    def by_round(self, workload, contender):
        return {sample["round"]: sample.get("value", sample.get("seconds"))
                for sample in self.raw.get(workload, {}).get(contender, [])}

    def rounds(self, group):
        """How many rounds a group has had."""
        return max(len(samples) for workload in self.groups[group] for samples in self.raw[workload].values())

    def unit(self, workload):
        for samples in self.raw.get(workload, {}).values():
            return samples[0].get("unit", "s")
        return "s"

    def middle(self, workload, contender):
        values = self.by_round(workload, contender).values()
        return statistics.median(values) if values else None

    def spread(self, workload, contender):
        values = self.by_round(workload, contender).values()
        return (min(values), max(values)) if values else None

    def rate(self, workload, contender):
        """Median rate: (per second, "count" or "bytes"), or None."""
        samples = self.raw.get(workload, {}).get(contender, [])
        for key in ("bytes", "count") if "sequential" in workload or "mmap" in workload else ("count",):
            rates = [sample[key] / sample["seconds"] for sample in samples if sample.get(key)]
            if rates:
                return statistics.median(rates), key
        return None

    def ratio(self, ours, theirs):
        """The median over the rounds of ours / theirs; each a (workload, contender)."""
        mine, other = self.by_round(*ours), self.by_round(*theirs)
        ratios = [mine[number] / other[number] for number in mine if other.get(number)]
        return statistics.median(ratios) if ratios else None


def brisk(players, seconds):
    """Those who get another round: one turn of the very slow says enough, and would cost the others theirs."""
    limit = SLOW_FACTOR * statistics.median(seconds[player.name] for player in players)
    return [player for player in players if player.ours or seconds[player.name] <= limit]


def measure(samples, namespaces, contenders, groups, sizes, programs, data_sets, facts, begin):
    """All rounds of all groups; one more than the first only while the group's share of the time lasts."""
    for done, name in enumerate(groups):
        group = workloads.GROUPS[name]
        rounds = min(sizes["rounds"], group.rounds_max)
        group_begin = time.monotonic()
        weights = [workloads.GROUPS[left].weight for left in groups[done:]]
        share = (begin + 60 * sizes["minutes"] - group_begin) * weights[0] / sum(weights)
        players = [c for c in contenders if not takes_part(c, group, facts)]
        data_sets.warm(facts, {need for player in players for need in player.needs})
        seconds = {}
        for number in range(rounds):
            if number and time.monotonic() - group_begin + sum(seconds[player.name] for player in players) > share:
                print(f"bench: {name}: {number} of {rounds} rounds, there is no time for more", file=sys.stderr)
                break
            for place in range(len(players)):
                contender = players[(place + number) % len(players)]
                turn_begin = time.monotonic()
                print(f"bench: {turn_begin - begin:4.0f} s  {name} {number + 1}/{rounds}  {contender.name}",
                      file=sys.stderr, flush=True)
                samples.add(name, contender.name, number,
                            turn(namespaces, contender, name, programs, facts, data_sets.folder))
                seconds[contender.name] = time.monotonic() - turn_begin
            players = brisk(players, seconds)
        for contender, where, what in samples.failures:
            if where == name:
                print(f"bench: {contender}, {what}: {samples.failures[contender, where, what]}", file=sys.stderr)


def machine():
    """Facts of the machine that say how to read the figures, and not whose it is."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"kernel": os.uname().release, "machine": os.uname().machine, "cpus": os.cpu_count(),
            "cpu": models[0] if models else "unknown", "memory_bytes": pages, "root": os.geteuid() == 0}
