"""Draw the observers' benchmark: speed, matches and precision, plain beside tracking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cns_core.bench.observers.observer_measures import Row

_PANELS = (
    ("ms_p50", "ms a frame (bar: p50, tick: p99)"),
    ("true_matches_median", "true matches"),
    ("keypoint_error_px_median", "keypoint error, px"),
)
_COLOURS = {"sift": "tab:blue", "akaze": "tab:green", "orb": "tab:orange"}
_COLOURS |= {"xfeat": "tab:red", "auto": "tab:purple"}


def draw(rows: list[Row], path: Path) -> None:
    """Write a figure of benchmark ``rows`` (see :func:`.summarize`)."""
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    methods = list(dict.fromkeys((row["observer"], row["mode"]) for row in rows))
    found = {(row["observer"], row["mode"], row["condition"]): row for row in rows}
    figure = Figure(figsize=(3.0 + 0.9 * len(conditions), 10), layout="constrained")
    width = 0.85 / len(methods)
    for axes, (key, title) in zip(figure.subplots(3, 1, sharex=True), _PANELS, strict=True):
        for n, (name, mode) in enumerate(methods):
            x = np.arange(len(conditions)) + (n - 0.5 * (len(methods) - 1)) * width
            shown = [found[name, mode, condition] for condition in conditions]
            heights = [np.nan if row[key] is None else row[key] for row in shown]
            style: dict[str, Any] = {
                "color": _COLOURS[name],
                "alpha": 1.0 if mode == "tracking" else 0.4,
            }
            axes.bar(x, heights, 0.9 * width, label=f"{name}, {mode}", **style)
            if key == "ms_p50":
                axes.plot(x, [row["ms_p99"] for row in shown], "_", color="black", markersize=5)
        axes.set_ylabel(title)
        axes.grid(axis="y", alpha=0.3)
        axes.margins(x=0.01)
        if key != "true_matches_median":
            axes.set_yscale("log")
    axes.set_xticks(range(len(conditions)), conditions, rotation=30, ha="right")
    figure.axes[0].legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize="small")
    figure.savefig(path, dpi=100)
