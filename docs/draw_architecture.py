"""Draws which folder imports which, from the imports themselves: docs/architecture.svg.

    python docs/draw_architecture.py

A box is a folder; it stands above all that it imports. An arrow that follows from others is left
out: whoever imports control may import what control imports. What serves at run time is white;
what makes and judges it is grey.
"""

import ast
from pathlib import Path

from svg import drawing

ROOT = Path(__file__).resolve().parents[1]
BELOW_THE_LINE = ("cns_core.simulation", "cns_core.training", "cns_core.twin", "cns_core.bench")
BELOW_THE_LINE += ("cns_ros.sim", "cns_ros.cli", "cns_ros.doctor", "cns_ros.recording")
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 142, 34, 22, 56, 20


def room_of(module):
    """The folder that a module lies in, None for the files beside the folders."""
    parts = module.split(".")
    folder = ROOT.joinpath(*parts[:2])
    return ".".join(parts[:2]) if folder.is_dir() or parts[1:2] == ["servo"] else None


def imports(path):
    """Our modules that a file imports, lazily or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph():
    """Room: the rooms it imports."""
    found = {}
    for package in ("cns_core", "cns_ros"):
        for path in sorted((ROOT / package).rglob("*.py")):
            room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
            if room is None:
                continue
            names = (name for name in imports(path) if name.startswith(("cns_core.", "cns_ros.")))
            found.setdefault(room, set()).update(filter(None, map(room_of, names)))
    return {room: targets - {room} for room, targets in sorted(found.items())}


def reach(rooms, room):
    """Everything that a room imports, directly or not."""
    return set().union(*({target} | reach(rooms, target) for target in rooms[room]))


def reduced(rooms):
    """The graph without the arrows that follow from others."""
    return {
        room: {t for t in targets if not any(t in reach(rooms, u) for u in targets - {t})}
        for room, targets in rooms.items()
    }


def floors(rooms):
    """Rooms by height: 0 imports nothing."""
    height = {}

    def of(room):
        if room not in height:
            height[room] = 1 + max((of(target) for target in rooms[room]), default=-1)
        return height[room]

    rows = [[room for room in rooms if of(room) == k] for k in range(1 + max(map(of, rooms)))]
    place = {}
    for row in rows:
        # Each above what it stands on, so that fewer arrows cross.
        row.sort(key=lambda room: sum(place[t] for t in rooms[room]) / max(1, len(rooms[room])))
        place |= {room: column - len(row) / 2 for column, room in enumerate(row)}
    return rows


def draw(rooms):
    """The picture, as the text of an SVG file."""
    rooms = reduced(rooms)
    rows = floors(rooms)
    widest = max(map(len, rows))
    width = 2 * MARGIN + widest * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + len(rows) * (HEIGHT + GAP_Y) - GAP_Y
    place = {}
    for floor, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + GAP_X) + GAP_X) / 2
        for column, room in enumerate(row):
            top = height - MARGIN - HEIGHT - floor * (HEIGHT + GAP_Y)
            place[room] = (left + column * (WIDTH + GAP_X), top)
    lines = []
    for room, targets in rooms.items():
        x, y = place[room]
        for target in sorted(targets):
            to_x, to_y = place[target]
            lines.append(
                f'<line x1="{x + WIDTH / 2:.0f}" y1="{y + HEIGHT:.0f}" x2="{to_x + WIDTH / 2:.0f}" '
                f'y2="{to_y:.0f}" stroke="#777" marker-end="url(#tip)"/>'
            )
    for room, (x, y) in place.items():
        fill = "#e4e4e4" if room in BELOW_THE_LINE else "#ffffff"
        lines.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
            f'fill="{fill}" stroke="#333"/>'
            f'<text x="{x + WIDTH / 2:.0f}" y="{y + HEIGHT / 2 + 4:.0f}" '
            f'text-anchor="middle">{room}</text>'
        )
    return drawing(width, height, lines)


if __name__ == "__main__":
    (ROOT / "docs" / "architecture.svg").write_text(draw(graph()))
