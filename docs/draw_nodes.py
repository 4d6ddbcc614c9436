"""Draws which node sends what to which, from docs/interfaces.md: docs/nodes.svg.

    python docs/draw_nodes.py

What exists only with a parameter, and what every node tells on /diagnostics, is left out.
"""

import re
from math import hypot
from pathlib import Path

from svg import drawing

DOCS = Path(__file__).resolve().parent
WIDTH, HEIGHT, BOX = 980, 380, (150, 40)
PLACES = {
    "twin": (95, 310),
    "observer": (340, 310),
    "controller": (610, 310),
    "ur_driver": (885, 310),
    "supervisor": (470, 60),
}
NAMES = {"twin": "camera, or twin"}
ROW = re.compile(r"\| (takes|publishes) \| `([^`]+)` .*")


def topics(page):
    """Node: the full names that it takes, and those that it publishes."""
    found = {}
    for section in page.split("\n## ")[1:]:
        node, _, text = section.partition("\n")
        for line in text.splitlines():
            row = ROW.fullmatch(line)
            if row and "; only with" not in line and not row[2].startswith("/"):
                names = found.setdefault(node, {}).setdefault(row[1], [])
                names.append(row[2].replace("~", node))
    return found


def edges(found):
    """Pairs of nodes that the picture has a place for: the topics from one to the other."""
    drawn = {}
    for sender in PLACES:
        for taker in PLACES:
            taken = found[taker].get("takes", ())
            shared = [topic for topic in found[sender]["publishes"] if topic in taken]
            if shared and sender != taker:
                drawn[sender, taker] = shared
    return drawn


def border(start, end):
    """Where the line from the middle of a box at ``start`` to ``end`` leaves it."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = min(BOX[i] / 2 / abs(d) for i, d in enumerate((dx, dy)) if d)
    return start[0] + share * dx, start[1] + share * dy


def arrow(start, end, names):
    """A line with its topics beside the middle; the way back has the other side."""
    length = hypot(end[0] - start[0], end[1] - start[1])
    aside = [9 * (start[1] - end[1]) / length, 9 * (end[0] - start[0]) / length]
    start, end = ([p + a for p, a in zip(place, aside, strict=True)] for place in (start, end))
    (x1, y1), (x2, y2) = border(start, end), border(end, start)
    line = f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="#777" '
    lines = [f'{line}marker-end="url(#tip)"/>']
    flat = abs(y2 - y1) < 1
    share = 0.5 if flat else 0.35  # two slanting ones beside each other go opposite ways
    x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    if flat:  # above the way to the right, below the way back
        top, anchor = (y - 8 - 14 * (len(names) - 1) if x2 < x1 else y + 18), "middle"
    else:
        top, anchor = y - 7 * (len(names) - 1) + 4, "end" if aside[0] < 0 else "start"
        x += -6 if anchor == "end" else 6
        top += 8 if anchor == "start" and x2 > x1 else -8
    for row, name in enumerate(names):
        lines.append(
            f'<text x="{x:.0f}" y="{top + 14 * row:.0f}" text-anchor="{anchor}">{name}</text>'
        )
    return lines


def draw(page):
    """The picture, as the text of an SVG file."""
    lines = []
    for (sender, taker), names in edges(topics(page)).items():
        lines += arrow(PLACES[sender], PLACES[taker], names)
    for node, (x, y) in PLACES.items():
        lines.append(
            f'<rect x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" '
            f'height="{BOX[1]}" rx="5" fill="#ffffff" stroke="#333"/>'
            f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-weight="bold">'
            f"{NAMES.get(node, node)}</text>"
        )
    return drawing(WIDTH, HEIGHT, lines)


if __name__ == "__main__":
    (DOCS / "nodes.svg").write_text(draw((DOCS / "interfaces.md").read_text()))
