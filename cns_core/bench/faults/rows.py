"""Rows of the table of faults: what was measured, and whether it is as it has to be."""

from collections.abc import Sequence
from typing import TypeAlias

from cns_core.twin.robot.stopping import Stop

Row: TypeAlias = dict[str, str | float | bool | None]
"""Figures by the name of their column; an arm that did not stop has None for its stop."""

_COLUMNS = {
    "fault": "<31",
    "phase": "<7",
    "stop_time_s": ">11.3f",
    "stop_distance_mm": ">16.2f",
    "bound_s": ">7.3f",
    "moved_again": ">11",
    "passed": ">6",
    "status": "",
}


def stopped_row(
    stop: Stop, bound_s: float, status: str, causes: Sequence[str], moved_later: bool
) -> Row:
    """Figures of an arm that had to come to rest, say why, and stay there.

    Args:
        stop: the ``Stop`` after the fault.
        bound_s: longest time it may have taken.
        status: what the nodes said.
        causes: words of which one must stand in it.
        moved_later: whether the arm moved while twists went on and the fault was repaired.
    """
    moved_again = stop.moved_again or moved_later
    in_time = stop.time_s is not None and stop.time_s <= bound_s
    explained = any(words in status for words in causes)
    return _row(stop, bound_s, status, moved_again, in_time and explained and not moved_again)


def undisturbed_row(stop: Stop, bound_s: float, status: str, went_on: bool) -> Row:
    """Figures of an arm that had to go on, and to stop when it was told to.

    Args:
        stop: the ``Stop`` after the request.
    """
    stopped = stop.time_s is not None and stop.time_s <= bound_s
    status = status or "undisturbed, then disarmed on request"
    return _row(stop, bound_s, status, stop.moved_again, went_on and stopped)


def _row(stop: Stop, bound_s: float, status: str, moved_again: bool, passed: bool) -> Row:
    return {
        "stop_time_s": stop.time_s,
        "stop_distance_mm": stop.distance_mm,
        "bound_s": bound_s,
        "status": status,
        "moved_again": moved_again,
        "passed": passed,
    }


def heading() -> str:
    """The table's first line."""
    return "  ".join(f"{name:{form.partition('.')[0]}}" for name, form in _COLUMNS.items())


def line(row: Row) -> str:
    """A row of the table; an arm that did not stop has no figures."""
    cells = ((row[name], form) for name, form in _COLUMNS.items())
    return "  ".join(_cell(value, form) for value, form in cells)


def _cell(value: str | float | bool | None, form: str) -> str:
    return f"{value:{form}}" if isinstance(value, float) else f"{value!s:{form.partition('.')[0]}}"
