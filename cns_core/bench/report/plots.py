"""Plots of a run: success with intervals, errors over time, paths, and the basin of convergence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cns_core.bench.loop.episode import DT_S
from cns_core.bench.loop.measures import STRICT_GATE, wilson
from cns_core.bench.loop.plan import Record
from cns_core.bench.report.summary import COLUMN, Column, by_column

PICTURES = {
    "success.png": "Success by section, with 95 % intervals",
    "errors.png": "Translation error over time: median and the band from 10 to 90 %",
    "basin.png": "Initial offsets: which converge",
    "paths.png": "Paths of the camera relative to the straight line; failed ones red",
}
Named = dict[str, list[Record]]
"""{label of a column: its records}"""

_SHOWN = ("controller", "weights", "observer", "verify", "perturbation", "stop", "renderer")
_MOST_COLUMNS = 12


def draw_all(folder: str | Path, records: list[Record]) -> dict[str, str]:
    """Write all plots into ``folder``; {file name: title}."""
    named = _name(by_column(records))
    figures = {
        "success.png": _success(named),
        "errors.png": _errors(named),
        "basin.png": _basin(named),
        "paths.png": _paths(named),
    }
    for name, figure in figures.items():
        figure.savefig(Path(folder) / name, dpi=100)
    return PICTURES


def _name(columns: dict[Column, list[Record]]) -> Named:
    """Of each column only what distinguishes it from the others."""
    keys = [dict(zip(COLUMN, column, strict=True)) for column in columns]
    differing = [n for n in _SHOWN[1:] if len({str(key[n]) for key in keys}) > 1]
    named = {}
    for key, members in zip(keys, columns.values(), strict=True):
        words = [key["environment"], key["controller"]]
        for name in differing:
            value = ("verified" if key[name] else "raw") if name == "verify" else key[name]
            words.append("" if value in ("", "none", "default") else str(value))
        named["\n".join([" ".join(words[:2]), " ".join(filter(None, words[2:]))])] = members
    return named


def _success(named: Named) -> Figure:
    figure = Figure(figsize=(10, 1.2 + 0.42 * len(named)), layout="constrained")
    axes = figure.add_subplot()
    sections = sorted({r["spec"]["section"] for m in named.values() for r in m}, key="SMLA".index)
    colours = {"S": "tab:green", "M": "tab:orange", "L": "tab:red", "A": "tab:blue"}
    for section in sections:
        axes.plot([], [], "o-", color=colours[section], label=section)
    for n, members in enumerate(named.values()):
        for k, section in enumerate(sections):
            part = [r["success"] for r in members if r["spec"]["section"] == section]
            if not part:
                continue
            share, (low, high) = np.mean(part), wilson(sum(part), len(part))
            y = n + 0.2 * (k - (len(sections) - 1) / 2)
            axes.plot([100 * low, 100 * high], [y, y], color=colours[section], linewidth=2)
            axes.plot(100 * share, y, "o", color=colours[section], markersize=4)
    axes.set_yticks(range(len(named)), list(named), fontsize=8)
    axes.set_ylim(len(named) - 0.5, -0.5)
    axes.set(xlabel="success [%]", xlim=(-2, 102))
    axes.grid(alpha=0.3)
    figure.legend(title="section", fontsize=8, loc="outside right upper")
    return figure


def _grid(
    named: Named, size: float, **subplots: Any
) -> tuple[Figure, list[tuple[Axes, str, list[Record]]]]:
    """A figure with one plot a column; [(axes, label, records)]."""
    chosen = list(named.items())[:_MOST_COLUMNS]
    across = min(4, len(chosen))
    down = -(-len(chosen) // across)
    figure = Figure(figsize=(size * across, size * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, **subplots)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    cells = [(axes, *item) for axes, item in zip(grid.flat, chosen, strict=False)]
    for axes, label, _ in cells:
        axes.set_title(label, fontsize=8)
    return figure, cells


def _errors(named: Named) -> Figure:
    figure, cells = _grid(named, 3.2, sharex=True, sharey=True)
    for axes, _, members in cells:
        traces = [r["trace"] for r in members if "trace" in r]
        if not traces:
            continue
        longest = max(len(trace["time_s"]) for trace in traces)
        table = np.full((len(traces), longest), np.nan)
        for row, trace in zip(table, traces, strict=True):
            error = np.maximum(trace["translation_error_mm"], 1e-3)
            row[: len(error)], row[len(error) :] = error, error[-1]  # it stands where it stopped
        time_s = DT_S * np.arange(longest)
        low, middle, high = np.percentile(table, [10, 50, 90], axis=0)
        axes.fill_between(time_s, low, high, alpha=0.3)
        axes.semilogy(time_s, middle)
        axes.axhline(STRICT_GATE[1], color="gray", linewidth=0.7)
        axes.grid(alpha=0.3)
        axes.set(xlabel="time [s]", ylabel="translation error [mm]")
    return figure


def _basin(named: Named) -> Figure:
    figure, cells = _grid(named, 3.0, sharex=True, sharey=True)
    for axes, _, members in cells:
        for success, marker, colour in ((True, "o", "tab:green"), (False, "x", "tab:red")):
            part = [r for r in members if r["success"] is success]
            axes.scatter(
                [r["initial_rotation_deg"] for r in part],
                [r["initial_translation_mm"] for r in part],
                marker=marker,
                color=colour,
                s=18,
            )
        axes.set(xlim=(0, 180), xlabel="initial rotation [deg]", ylabel="initial distance [mm]")
        axes.grid(alpha=0.3)
    return figure


def _paths(named: Named) -> Figure:
    """The paths of Fig. 6 laid over each other: distance along the straight line and off it."""
    figure, cells = _grid(named, 3.0, sharex=True, sharey=True)
    for axes, _, members in cells:
        for record in members:
            if "trace" not in record:
                continue
            way = np.array(record["trace"]["position_m"])
            along, off = _unfold(way, np.array(record["goal_m"]))
            axes.plot(along, off, linewidth=0.8, color="C0" if record["success"] else "tab:red")
        axes.plot(0, 0, "k*")
        axes.set(xlabel="to go along the line [m]", ylabel="off the line [m]")
        axes.grid(alpha=0.3)
    return figure


def _unfold(way: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of (n, 3) positions, how far along the line to the goal and how far off it, m."""
    line = way[0] - goal
    line = line / max(np.linalg.norm(line), 1e-9)
    along = (way - goal) @ line
    return along, np.linalg.norm(way - goal - along[:, None] * line, axis=1)
