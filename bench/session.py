# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""One contender's turn: mounting, running what measures, unmounting, and the servers in between."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

import mounts

TIMEOUT_S = 300
SERVER_END_S = 10


class Failure(Exception):
    """A command that failed; the text is its last line of talk."""


def children(of=None):
    """Processes whose parent that one is, or we are: servers, for nothing else outlives a command."""
    of = of or os.getpid()
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = pathlib.Path("/proc", entry, "stat").read_text(encoding="ascii", errors="replace")
                state, parent = stat.rpartition(")")[2].split()[:2]
                if int(parent) == of and state != "Z":
                    found.add(int(entry))
    return found


class Session:
    def __init__(self, request):
        self.contender = next(c for c in mounts.CONTENDERS if c.name == request["contender"])
        self.programs = request["programs"]
        self.data = request["data"]
        self.work = request["work"]
        self.samples = {}
        self.failures = {}
        self.beside = set()  # processes of ours that are no servers

    def run(self, command):
        """Run a command to its end, give what it printed."""
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace") as child:
            try:
                out, talk = child.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                raise Failure(f"{os.path.basename(command[0])}: no end after {TIMEOUT_S} s") from None
        if child.returncode:
            lines = talk.strip().splitlines() or [f"status {child.returncode}"]
            raise Failure(next((line for line in lines if not line.startswith("hint:")), lines[0])[:300])
        return out

    def driver(self, name, *arguments):
        """Run a driver, give what it measured."""
        program = os.path.join(self.programs["drivers"], "bench-" + name)
        return json.loads(self.run([program, *map(str, arguments)]))

    def shell(self, script, *arguments):
        """Time a shell tool, its start included."""
        return {**self.driver("timed", "sh", "-c", script + " >/dev/null", *arguments), "bytes": 0}

    def shows(self, name):
        return all(key in self.data.get(name, {}) for key in self.contender.needs)

    def take(self, name, work):
        """Take one sample: what work() gives, or why it failed."""
        try:
            self.samples[name] = work()
        except Failure as failure:
            self.failures[name] = str(failure)

    def mount(self, name, target):
        """Mount a data set; gives the driver's sample: the time until the first answer."""
        os.makedirs(target, exist_ok=True)
        command = self.contender.command(self.programs, self.data[name], target)
        return self.driver("mounted", os.path.join(target, self.data[name]["first"]), *command)

    def unmount(self, target):
        for path in (target, target + ".lower"):
            if os.path.ismount(path):
                try:
                    self.run(["umount", path])
                except Failure:
                    self.run(["umount", "-l", path])

    def servers_end(self):
        """Wait until the servers have ended by themselves, as they have to when their mounts are gone."""
        end = time.monotonic() + SERVER_END_S
        left = children() - self.beside
        while left and time.monotonic() < end:
            time.sleep(0.002)
            left = children() - self.beside
        for pid in left:
            self.failures["end of the server"] = "a server outlived its mount"
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    @contextlib.contextmanager
    def mounted(self, name):
        """A fresh mount of the data set, gone at the end."""
        if self.contender.command is None:
            yield self.data[name]["tree"] if "tree" in self.contender.needs else None
            return
        target = os.path.join(self.work, "mnt")
        try:
            self.mount(name, target)
            yield target
        finally:
            self.unmount(target)
            self.servers_end()

    @contextlib.contextmanager
    def busy(self):
        """Something that computes for each CPU, in a session of its own as from another terminal."""
        count = len(os.sched_getaffinity(0))
        script = "for i in $(seq $0); do (while :; do :; done) & done; wait"
        with subprocess.Popen(["sh", "-c", script, str(count)], start_new_session=True) as shell:
            self.beside.add(shell.pid)
            try:
                yield
            finally:
                os.killpg(shell.pid, signal.SIGKILL)
        self.beside.clear()
