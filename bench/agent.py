#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Run one group of workloads with one contender, in the namespaces this process was started in.

agent.py < REQUEST > ANSWER      (both JSON; measure.py starts it)

Mounts, works and unmounts in one process, so that a user namespace needs no entering. The servers that mount commands
leave behind become children of this process, which therefore knows and ends them.
"""

import ctypes
import json
import signal
import sys

import session
import workloads

PR_SET_CHILD_SUBREAPER = 36


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the finally blocks
    request = json.load(sys.stdin)
    turn = session.Session(request)
    try:
        workloads.GROUPS[request["group"]].work(turn)
    except session.Failure as failure:
        turn.failures["mount"] = str(failure)
    json.dump({"samples": turn.samples, "failures": turn.failures}, sys.stdout)


main()
