# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
"""The picture: for some workloads, a bar a contender. Plain SVG, readable on light and on dark ground."""

from xml.sax.saxutils import escape

CHARTS = [
    ("walk, cold", "Walk with stat, first time after mounting"),
    ("walk, warm", "Walk with stat, again"),
    ("random look-ups, one of five missing, cold", "Random look-ups, cold"),
    ("open, read, close small files, first time", "Small files: open, read, close, first time"),
    ("read all files, first time", "Read all files, first time"),
    ("read all files, second time", "Read all files, again"),
    ("sequential, cached", "One large file, sequential, from the page cache"),
    ("sequential, uncached", "One large file, sequential, from the disk"),
    ("mount, million", "Mount an image of a million entries"),
    ("tree, walked: private", "The server's own memory after a walk"),
]
OURS = ("lamina", "overlay", "standalone", "passthrough")
FLOOR = ("kernel", "plain", "object", "erofs")
CHART_WIDTH, NAME_WIDTH, VALUE_WIDTH, BAR, STEP, GAP = 480, 130, 80, 12, 17, 34
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 } .title { font-weight: 600; font-size: 13px }
.head { font-weight: 600; font-size: 17px } .note { fill: #666 }
.ours { fill: #1f77b4 } .peer { fill: #e08214 } .floor { fill: #8c8c8c }
@media (prefers-color-scheme: dark) {
text { fill: #eee } .note { fill: #aaa } .ours { fill: #5fb0ea } .peer { fill: #f0a04b } .floor { fill: #a8a8a8 }
}
"""


def kind(name):
    if name in FLOOR:
        return "floor"
    return "ours" if name.startswith(OURS) else "peer"


def text(x, y, words, style="", end=False):
    anchor = ' text-anchor="end"' if end else ""
    style = f' class="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}"{style}{anchor}>{escape(words)}</text>'


def chart(x, y, title, workload, names, samples, show):
    """One workload; gives its lines and its height."""
    values = {name: samples.middle(workload, name) for name in names if samples.by_round(workload, name)}
    unit = samples.unit(workload)
    longest = max(values.values()) or 1
    lines = [text(x, y, f"{title} ({'time' if unit == 's' else 'memory'})", "title")]
    for number, (name, value) in enumerate(values.items()):
        top = y + 10 + number * STEP
        width = max(value / longest * (CHART_WIDTH - NAME_WIDTH - VALUE_WIDTH), 1)
        lines.append(text(x + NAME_WIDTH - 8, top + BAR - 2, name, end=True))
        lines.append(f'<rect x="{x + NAME_WIDTH}" y="{top:g}" width="{width:.1f}" height="{BAR}" rx="2" '
                     f'class="{kind(name)}"/>')
        lines.append(text(x + NAME_WIDTH + width + 6, top + BAR - 2, show(value, unit)))
    return lines, 10 + len(values) * STEP + GAP


def draw(names, samples, show):
    """The whole picture: charts in two columns, the next one always where there is more room."""
    found = [(workload, title) for workload, title in CHARTS if samples.raw.get(workload)]
    columns = [72, 72]
    lines = []
    for workload, title in found:
        column = 0 if columns[0] <= columns[1] else 1
        more, height = chart(20 + column * (CHART_WIDTH + 20), columns[column], title, workload, names, samples, show)
        lines += more
        columns[column] += height
    width, height = 40 + 2 * CHART_WIDTH + 20, max(columns)
    legend = ("medians, shorter is better; blue: lamina, orange: other FUSE file systems, "
              "grey: kernel file systems and plain files")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" '
        'role="img">', "<title>lamina and its peers</title>", f"<style>{STYLE}</style>",
        text(20, 28, "lamina and its peers", "head"), text(20, 47, legend, "note"), *lines, "</svg>"])
