"""Rows of a report as tables for people: what all rows share is said once, above."""

from __future__ import annotations

import html

from cns_core.bench.report.summary import Row

_LABELS = {
    "controller": "controller",
    "weights": "weights",
    "observer": "observer",
    "verify": "verified",
    "perturbation": "perturbation",
    "renderer": "renderer",
}
_METRICS = (
    "section",
    "n",
    "SR % (95 %)",
    "strict %",
    "TS (0.04 s)",
    "RE deg",
    "TE mm",
    "TE mm, median",
    "RE deg, median",
    "to 10 mm",
    "to 1 mm",
    "bound mm",
    "bound holds %",
    "TE mm, all",
    "path",
    "mOT ms",
    "mCT ms",
    "mTT ms",
    "p99 ms",
    "graph ms",
)
_DETAILS = ("RE deg, median", "TE mm, all", "path", "mOT ms", "mCT ms", "p99 ms", "graph ms")


def by_environment(rows: list[Row]) -> dict[str, list[Row]]:
    """{environment: its rows}, in their order."""
    names = dict.fromkeys(row["environment"] for row in rows)
    return {name: [row for row in rows if row["environment"] == name] for name in names}


def markdown(rows: list[Row], brief: bool = False) -> str:
    """One environment's rows as a Markdown table below a line of what they share.

    Args:
        brief: the paper's columns only.
    """
    caption, headers, lines = _layout(rows)
    if brief:
        kept = [n for n, name in enumerate(headers) if name not in _DETAILS]
        headers, *lines = ([cells[n] for n in kept] for cells in (headers, *lines))
    table = [headers, ["---"] * len(headers), *lines]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    return f"{caption}\n\n{text}" if caption else text


def page(rows: list[Row]) -> str:
    """The same as HTML."""
    caption, headers, lines = _layout(rows)
    body = "".join(_html_line("td", cells) for cells in lines)
    return f"<p>{html.escape(caption)}</p><table>{_html_line('th', headers)}{body}</table>"


def _html_line(tag: str, values: list[str]) -> str:
    inner = "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values)
    return f"<tr>{inner}</tr>"


def _layout(rows: list[Row]) -> tuple[str, list[str], list[list[str]]]:
    """What all rows share in words, the headers, and the cells of each row."""
    labels = [_label_cells(row) for row in rows]
    shared = {name for name in _LABELS if len({cells[name] for cells in labels}) == 1}
    if len(rows) == 1:
        shared = set()
    said = [f"{_LABELS[name]} {labels[0][name]}" for name in _LABELS if name in shared]
    own = [name for name in _LABELS if name not in shared]
    headers = [*(_LABELS[name] for name in own), *_METRICS]
    lines = [
        [*(cells[name] for name in own), *_metric_cells(row)]
        for cells, row in zip(labels, rows, strict=True)
    ]
    return ", ".join(text for text in said if not text.endswith(" ")), headers, lines


def _label_cells(row: Row) -> dict[str, str]:
    return {name: row[name] for name in _LABELS} | {"verify": "yes" if row["verify"] else "no"}


def _metric_cells(row: Row) -> list[str]:
    """In the order of ``_METRICS``."""
    return [
        row["section"],
        str(row["episodes"]),
        f"{100 * row['success_rate']:.1f} "
        f"({100 * row['success_low']:.0f}–{100 * row['success_high']:.0f})",
        f"{100 * row['strict_success_rate']:.1f}",
        _mean_and_std(row, "steps", 0),
        _mean_and_std(row, "rotation_error_deg", 3),
        _mean_and_std(row, "translation_error_mm", 3),
        _number(row["translation_error_mm_median"], 3),
        _number(row["rotation_error_deg_median"], 4),
        _number(row["steps_to_10mm_median"], 0),
        _number(row["steps_to_1mm_median"], 0),
        _number(row["verdict_bound_mm_median"], 3),
        _verdict(row),
        _number(row["translation_error_mm_mean_all"], 2),
        _number(row["path_ratio_mean"], 2),
        _number(row["observe_ms"], 1),
        _number(row["control_ms"], 1),
        _number(row["total_ms"], 1),
        _number(row["frame_ms_p99"], 1),
        _number(row["graph_ms"], 0),
    ]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _verdict(row: Row) -> str:
    """Shares of end poses whose error lies within the bounds, translation / rotation."""
    shares = [row[f"verdict_{unit}_holds_rate"] for unit in ("mm", "deg")]
    return " / ".join("–" if share is None else f"{100 * share:.0f}" for share in shares)


def _mean_and_std(row: Row, name: str, digits: int) -> str:
    mean, std = row[f"{name}_mean"], row[f"{name}_std"]
    return "–" if mean is None else f"{mean:.{digits}f} ± {std:.{digits}f}"
