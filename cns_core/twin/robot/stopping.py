"""How an arm came to rest, measured from its motion log."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cns_core.twin.robot.motion_log import LoggedMotion, Motion
from cns_core.twin.robot.motions import TICK_S


class Stop(NamedTuple):
    """What happened after a moment: all None but ``moved_again`` False if the arm never rested."""

    time_s: float | None
    """From the moment to standstill; 0 if the arm stood still already."""
    distance_mm: float | None
    """Path of the TCP meanwhile."""
    moved_again: bool
    """Whether any joint moved after that standstill."""


def measure_stop(motion: Motion, moment_s: float, rest_s: float = 0.1) -> Stop:
    """Measure the standstill after a moment.

    Args:
        motion: a :class:`.Motion` that reaches from before the moment to
            at least ``rest_s`` after the standstill.
        moment_s: time of the monotonic clock at which the cause of the stop began.
        rest_s: how long the joints must stand still for it to count, so that the turning point of
            a motion does not.

    Raises:
        ValueError: if the log begins after the moment or holds nothing after it.
    """
    time_s = motion.time_s
    if not len(time_s) or not time_s[0] <= moment_s < time_s[-1]:
        raise ValueError(f"no motion logged around {moment_s:.3f} s")
    after = time_s > moment_s
    time_s, moving = time_s[after], np.any(motion.qd[after], axis=1)
    started = _first_rest(time_s, moving, rest_s)
    if started is None:
        return Stop(None, None, False)
    speed_m_s = np.linalg.norm(motion.tcp_velocity[after][:started, :3], axis=1)
    distance_mm = 1e3 * TICK_S * float(speed_m_s.sum())
    standstill_s = float(time_s[started] - moment_s) if moving[:started].any() else 0.0
    return Stop(standstill_s, distance_mm, bool(moving[started:].any()))


def moved_since(box: LoggedMotion, moment_s: float) -> bool:
    """Whether any joint has moved after a moment."""
    return bool(box.motion_log(moment_s).qd.any())


def linear_speed(box: LoggedMotion) -> float:
    """The TCP's present speed in m/s, infinite while nothing is known."""
    log = box.motion_log(time.monotonic() - 0.1)
    return float(np.linalg.norm(log.tcp_velocity[-1, :3])) if len(log.time_s) else np.inf


def _first_rest(
    time_s: NDArray[np.float64], moving: NDArray[np.bool_], rest_s: float
) -> int | None:
    """Index of the first row from which the joints stand still for ``rest_s``, or None."""
    edges = np.flatnonzero(np.diff(moving)) + 1
    for begin, end in zip([0, *edges], [*edges, len(moving)], strict=True):
        if not moving[begin] and time_s[end - 1] - time_s[begin] >= rest_s:
            return int(begin)
    return None
