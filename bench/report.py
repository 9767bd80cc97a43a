# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""What was measured, as tables (results.md), as data (results.json) and as a picture (picture.svg)."""

import json

import bars
import measure
import picture
import workloads

PEERS = ("kernel", "composefs-fuse", "composefs-overlay", "erofsfuse", "erofs", "squashfuse", "fuse-overlayfs", "plain",
         "object", "mkcomposefs", "a thousand", "skopeo and umoci", "podman")


def show(value, unit):
    """A value with its unit, three figures."""
    if value is None:
        return "–"
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms" if value >= 0.01 else f"{value * 1e3:.2f} ms"
    if unit == "KiB":
        return f"{value / 1024:.1f} MiB" if value >= 10240 else f"{value:.0f} KiB"
    return f"{value:g}"


def show_rate(rate):
    if rate is None:
        return ""
    number, key = rate
    return f"{number / 1e6:,.0f} MB/s" if key == "bytes" else f"{number:,.0f}/s"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head(first, *numbers):
    return [row(first, *numbers), "|---|" + "---:|" * len(numbers)]


class Report:
    def __init__(self, sizes, contenders, skipped, samples, uring_changed):
        self.sizes = sizes
        self.contenders = contenders    # {name: title}, in the order of the tables
        self.skipped = skipped          # {name: why}
        self.samples = samples
        self.uring_changed = uring_changed
        self.machine = measure.machine()

    def facts(self):
        """Everything, raw; no names of places of this machine."""
        samples = self.samples
        return {
            "machine": self.machine, "sizes": self.sizes, "io_uring_turned_on": self.uring_changed,
            "contenders": self.contenders, "skipped": self.skipped,
            "failures": [{"contender": who, "group": group, "what": what, "why": why}
                         for (who, group, what), why in samples.failures.items()],
            "bars": [{"name": bar.name, "ours": bar.ours, "peer": bar.peer, "limit": bar.limit, "faster": bar.faster,
                      "reached": bars.reached(bar, samples)} for bar in bars.BARS],
            "groups": samples.groups,
            "samples": samples.raw,
            "medians": {workload: {name: samples.middle(workload, name) for name in found}
                        for workload, found in samples.raw.items()},
        }

    def there(self, workload):
        return [name for name in self.contenders if self.samples.by_round(workload, name)]

    def workload_table(self, workload):
        """One workload: a line a contender, its median and spread, and how it compares with each peer."""
        samples, there, unit = self.samples, self.there(workload), self.samples.unit(workload)
        peers = [name for name in PEERS if name in there]
        rates = any(samples.rate(workload, name) for name in there)
        yield from (f"### {workload}", "")
        yield from head("contender", "median", "from … to", *["rate"] * rates, *(f"÷ {peer}" for peer in peers))
        for name in there:
            cells = [show(samples.middle(workload, name), unit),
                     " … ".join(show(value, unit) for value in samples.spread(workload, name))]
            if rates:
                cells.append(show_rate(samples.rate(workload, name)))
            ratios = [None if peer == name else samples.ratio((workload, name), (workload, peer)) for peer in peers]
            yield row(name, *cells, *("–" if ratio is None else f"{ratio:.2f}" for ratio in ratios))
        yield ""

    def value_table(self, found):
        """Values that are no times: a line a workload, a column a contender."""
        names = [name for name in self.contenders if any(self.samples.by_round(workload, name) for workload in found)]
        yield from head("what", *names)
        for workload in found:
            unit = self.samples.unit(workload)
            yield row(workload, *(show(self.samples.middle(workload, name), unit) for name in names))
        yield ""

    def bar_table(self):
        yield from ("## What it wants to reach", "", "| bar | against | limit | reached | |", "|---|---|---:|---:|---|")
        for bar in bars.BARS:
            value, kept = bars.judge(bar, self.samples)
            unit = "× " if bar.peer else self.samples.unit(bar.ours[0])
            limit, value = ((f"{number:.2f} ×" if bar.peer else show(number, unit)) if number is not None else "–"
                            for number in (bar.limit, value))
            yield row(bar.name, bars.compared_with(bar), ("≥ " if bar.faster else "≤ ") + limit, value,
                      "not measured" if kept is None else "yes" if kept else "**no**")
        yield from ("", "“×” of a peer's time or memory; with ≥, of its speed.", "")

    def text(self):
        machine, sizes = self.machine, self.sizes
        yield from ("# Results of the bench", "")
        yield (f"Linux {machine['kernel']}, {machine['cpus']} × {machine['cpu']}, "
               f"{machine['memory_bytes'] / 2**30:.0f} GiB of memory, {'' if machine['root'] else 'not '}as root. "
               f"Tree: {sizes['files']:,} files in {sizes['bytes'] / 1e9:g} GB, and one of {sizes['large'] >> 20} MiB. "
               "Contenders in turn, in rounds.")
        yield from ("", "“Cold” is the first time after a fresh mount, with the page cache of images and objects warm; "
                    "“uncached” drops the pages of the one file, by `posix_fadvise`, of what is mounted and of what is "
                    "below it. A ratio (÷) is the median of the ratios within each round; below 1 is less time, or "
                    "memory, than the peer takes.", "")
        yield from ("| contender | what it is |", "|---|---|")
        yield from (row(name, title) for name, title in self.contenders.items())
        yield from (row(name, f"skipped: {why}") for name, why in self.skipped.items())
        yield ""
        if self.uring_changed:
            yield "FUSE over io_uring (`enable_uring` of the fuse module) was turned on for the run, and off after it."
            yield ""
        if self.samples.failures:
            yield from ("## What failed", "")
            for (who, group, what), why in self.samples.failures.items():
                yield f"- {who}, {group}, {what}: `{why}`"
            yield ""
        yield from self.bar_table()
        for group, found in self.samples.groups.items():
            yield from (f"## {workloads.GROUPS[group].title}", "", f"Rounds: {self.samples.rounds(group)}.", "")
            values = [workload for workload in found if self.samples.unit(workload) != "s"]
            for workload in found:
                if workload not in values:
                    yield from self.workload_table(workload)
            if values:
                yield from self.value_table(values)

    def write(self, folder):
        for name, text in (("results.json", json.dumps(self.facts(), indent=1)),
                           ("results.md", "\n".join(self.text()).rstrip()),
                           ("picture.svg", picture.draw(self.contenders, self.samples, show))):
            (folder / name).write_text(text + "\n", encoding="utf-8")
