"""Turns the records of episodes into the rows of a report."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from cns_core.bench.loop.episode import DT_S
from cns_core.bench.loop.measures import wilson
from cns_core.bench.loop.plan import Record, is_learned, label

COLUMN = (
    *("environment", "controller", "weights", "observer", "verify", "perturbation", "stop"),
    "renderer",
)
"""What makes a table column: all episodes with these equal differ by their scene alone."""


Column = tuple[Any, ...]
"""Values of ``COLUMN``, in its order."""
Row = dict[str, Any]
"""A row of the report, as it stands in its JSON."""


def column_of(record: Record) -> Column:
    """The column of a record."""
    spec = {"renderer": "built-in"} | record["spec"]
    spec |= {"weights": weights_label(spec)}
    spec |= {name: label(spec[name]) for name in ("controller", "observer")}
    return tuple(spec[name] for name in COLUMN)


def weights_label(spec: dict[str, Any]) -> str:
    """Stem of the weights' file name, ``shipped``, or an empty string where none are used."""
    if not is_learned(spec["controller"]):
        return ""
    return "shipped" if spec["weights"] is None else Path(spec["weights"]).stem


def by_column(records: list[Record]) -> dict[Column, list[Record]]:
    """{column: its records}, in their order."""
    columns = defaultdict(list)
    for record in records:
        columns[column_of(record)].append(record)
    return dict(columns)


def rows(records: list[Record]) -> list[Row]:
    """One dict for each column and section, and section ``A`` over all sections of a column."""
    result = []
    for column, members in by_column(records).items():
        parts: dict[str, list[Record]] = {}
        for record in members:
            parts.setdefault(record["spec"]["section"], []).append(record)
        if len(parts) > 1:
            parts["A"] = members
        labels = dict(zip(COLUMN, column, strict=True))
        result += [labels | {"section": name} | _metrics(part) for name, part in parts.items()]
    return result


def _metrics(part: list[Record]) -> Row:
    """Metrics of one row; means are over successes, medians over all, unless the name says
    otherwise.
    """
    won = [record for record in part if record["success"]]
    low, high = wilson(len(won), len(part))
    strict = sum(record["strict_success"] for record in part)
    row: Row = {
        "episodes": len(part),
        "success_rate": len(won) / len(part),
        "success_low": low,
        "success_high": high,
        "strict_success_rate": strict / len(part),
        "initial_rotation_deg_mean": _mean(part, "initial_rotation_deg"),
        "initial_translation_mm_mean": _mean(part, "initial_translation_mm"),
    }
    for name in ("steps", "rotation_error_deg", "translation_error_mm"):
        row[f"{name}_mean"] = _mean(won, name)
        row[f"{name}_std"] = _std(won, name)
        row[f"{name}_mean_all"] = _mean(part, name)
    for name in ("path_ratio", "jerk_rms", "image_error_ratio", "time_to_1mm_s"):
        row[f"{name}_mean"] = _mean(won, name)
    row["reached_1mm_rate"] = np.mean([r["time_to_1mm_s"] is not None for r in part]).item()
    for name in ("steps", "rotation_error_deg", "translation_error_mm"):
        row[f"{name}_median"] = float(np.median([record[name] for record in part]))
    for name in ("10mm", "1mm"):
        row[f"steps_to_{name}_median"] = _median_steps(part, f"time_to_{name}_s")
    row |= _verdict(part)
    for name in ("observe_ms", "control_ms", "graph_ms"):
        row[name] = _mean(part, name)
    row["total_ms"] = row["observe_ms"] + row["control_ms"]
    row["frame_ms_p99"] = float(np.median([record["frame_ms_p99"] for record in part]))
    return row


def _median_steps(part: list[Record], name: str) -> float | None:
    """Median number of steps to a time, over all episodes; None where half never get there."""
    times = [record[name] for record in part if name in record]
    if not times:
        return None
    median = float(np.median([np.inf if time is None else time for time in times]))
    return round(median / DT_S, 1) if np.isfinite(median) else None


def _verdict(part: list[Record]) -> Row:
    """Of end poses with a verdict: how many there are, and in what share the true error lies within
    the bound; and the bound's median.
    """
    told = [record for record in part if record.get("verdict_mm_holds") is not None]
    row: Row = {"verdicts": len(told)}
    for unit in ("mm", "deg"):
        row[f"verdict_{unit}_holds_rate"] = _mean(told, f"verdict_{unit}_holds")
        bounds = _values(told, f"verdict_bound_{unit}")
        row[f"verdict_bound_{unit}_median"] = float(np.median(bounds)) if bounds else None
    return row


def _values(part: list[Record], name: str) -> list[float]:
    return [record[name] for record in part if record[name] is not None]


def _mean(part: list[Record], name: str) -> float | None:
    values = _values(part, name)
    return float(np.mean(values)) if values else None


def _std(part: list[Record], name: str) -> float | None:
    values = _values(part, name)
    return float(np.std(values)) if values else None
