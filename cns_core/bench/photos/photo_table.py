"""Tables of the benchmark on photographs: a row for a condition, a column for an observer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cns_core.bench.photos.photo_measures import Row


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


TABLES: dict[str, Callable[[Row], str]] = {
    "Right matches, median of the pictures (fewest)": lambda r: f"{r.right:.0f} ({r.fewest})",
    "Share of the matches that are right": lambda r: _number(r.share, 2),
    "Error of the right matches, px: median / 90th percentile": lambda r: (
        f"{_number(r.error_px, 2)} / {_number(r.p90_px, 2)}"
    ),
    "Time for an image, ms": lambda r: f"{r.ms:.0f}",
}


def markdown(rows: Sequence[Row]) -> str:
    """All tables, one after the other."""
    return "\n\n".join(_table(title, rows, cell) for title, cell in TABLES.items())


def _table(title: str, rows: Sequence[Row], cell: Callable[[Row], str]) -> str:
    columns = list(dict.fromkeys((r.mode, r.observer) for r in rows))
    cells = {(r.condition, r.mode, r.observer): cell(r) for r in rows}
    names = [name if mode == "plain" else f"{name}, {mode}" for mode, name in columns]
    lines = [f"**{title}**", "", f"| condition | {' | '.join(names)} |"]
    lines.append("|---|" + "---:|" * len(columns))
    for condition in dict.fromkeys(r.condition for r in rows):
        found = (cells.get((condition, *column), "") for column in columns)
        lines.append(f"| {condition} | {' | '.join(found)} |")
    return "\n".join(lines)
