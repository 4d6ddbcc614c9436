"""The table of the observers' benchmark: Markdown whose columns also line up in a terminal."""

from __future__ import annotations

from cns_core.bench.observers.observer_measures import Row

_COLUMNS = {
    "observer": ("observer", "{}"),
    "mode": ("mode", "{}"),
    "condition": ("condition", "{}"),
    "ms p50": ("ms_p50", "{:.1f}"),
    "p99": ("ms_p99", "{:.1f}"),
    "step p50": ("step_ms_p50", "{:.1f}"),
    "step p99": ("step_ms_p99", "{:.1f}"),
    "first match": ("first_match_ms_median", "{:.0f}"),
    "visible": ("visible_median", "{:.0f}"),
    "true": ("true_matches_median", "{:.0f}"),
    "share": ("true_share", "{:.3f}"),
    "error px": ("keypoint_error_px_median", "{:.4f}"),
}
_LABELS = 3
_WIDTHS = [8, 8, 20] + [max(6, len(title)) for title in list(_COLUMNS)[_LABELS:]]


def head() -> str:
    """The two lines above the rows."""
    rule = ("-" * (width + 1) + (":" if k >= _LABELS else "-") for k, width in enumerate(_WIDTHS))
    return f"{_aligned(list(_COLUMNS))}\n|{'|'.join(rule)}|"


def line(row: Row) -> str:
    """One row, see :func:`.summarize`."""
    return _aligned(
        ["-" if row[key] is None else form.format(row[key]) for key, form in _COLUMNS.values()]
    )


def _aligned(cells: list[str]) -> str:
    padded = [
        cell.rjust(width) if k >= _LABELS else cell.ljust(width)
        for k, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]
    return f"| {' | '.join(padded)} |"
