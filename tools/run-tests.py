#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""Run the whole suite of a build folder and close with one line of totals.

run-tests.py BUILD [meson test arguments]

Counts single test cases, not test programs. Prints the reason of every skip, and the output of what
failed. Exit status 1 when anything failed or nothing ran.
"""

import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml


def skip_reasons(text):
    for line in text.splitlines():
        match = re.match(r"^(?:ok \d+ .*# skip\b\s*(.*)|# skip (.*))$", line.strip(), re.IGNORECASE)
        if match:
            reason = (match.group(1) or match.group(2) or "").strip(" ()")
            if reason:
                yield reason


def main():
    build = pathlib.Path(sys.argv[1])
    run = subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
                          *sys.argv[2:]], check=False)
    passed = failed = skipped = 0
    failures, reasons = [], {}
    report = xml.parse(build / "meson-logs" / "testlog.junit.xml").getroot()
    for suite in report.iter("testsuite"):
        for case in suite.iter("testcase"):
            name = f'{suite.get("name")}: {case.get("name")}'
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                failures.append(name)
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    log = (build / "meson-logs" / "testlog.txt").read_text(errors="replace")
    for reason in skip_reasons(log):
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        print(f"skipped {count}: {reason}")
    for name in failures:
        print(f"FAILED {name}")
    if run.returncode != 0 and failed == 0:
        failed = 1  # a test program that died without a word of its own
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
