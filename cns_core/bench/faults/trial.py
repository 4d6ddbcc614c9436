"""Injects one fault and watches: the arm stops in time, says why and stays, or goes on smoothly."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.fault import PHASES, Fault, Rig
from cns_core.bench.faults.rig import AT_REST, FULL_SPEED_M_S
from cns_core.bench.faults.rows import Row, stopped_row, undisturbed_row
from cns_core.twin.robot.motion_log import Motion
from cns_core.twin.robot.motions import TICK_S
from cns_core.twin.robot.stopping import Stop, measure_stop, moved_since

_WATCH_S = 0.4
"""How long after the bound an arm is watched still."""
_AGAIN_S = 1.0
"""How long an arm that has stopped is watched while everything invites it to go on."""
_UNDISTURBED_S = 1.0
"""How long an arm that has to go on is watched."""
_REST_S = 0.3
"""How long joints must stand still to be at rest."""
_BEFORE_S = 0.1
"""How much of the motion before a moment is read with what comes after it."""


def try_faults(rig: Rig, faults: Sequence[Fault[Rig]]) -> Iterator[Row]:
    """The rows of these faults in every phase, one after the other as they are measured."""
    for fault in faults:
        for phase in PHASES:
            yield try_fault(rig, fault, phase)


def try_fault(rig: Rig, fault: Fault[Rig], phase: str) -> Row:
    """One row of the table. Leaves the rig with a living driver that is not armed.

    Args:
        rig: its driver is disarmed or faulted.
        fault: of a rig of this kind.
        phase: one of ``PHASES``.
    """
    moving = phase == "motion"
    rig.begin(moving and not fault.before_motion)
    at = fault.inject(rig)
    if moving and fault.before_motion:
        rig.invite()
    row = (_stopped if fault.stops(phase) else _undisturbed)(rig, fault, at)
    rig.silence()
    return {"fault": fault.name, "phase": phase, **row}


def _stopped(rig: Rig, fault: Fault[Rig], at: float) -> Row:
    """The arm has to come to rest, say why, and stay there."""
    bound_s = fault.detection_s(rig.config) + rig.config.limits.stopping_time_s
    stop = _stop_after(rig, at, bound_s)
    if fault.hides:
        fault.repair(rig)
    rig.until_state(*AT_REST)
    status = _explanation(rig, fault.causes)
    if not fault.hides:
        fault.repair(rig)
    quiet_from = time.monotonic()
    rig.invite()
    rig.wait(_AGAIN_S)
    return stopped_row(stop, bound_s, status, fault.causes, moved_since(rig.box, quiet_from))


def _undisturbed(rig: Rig, fault: Fault[Rig], at: float) -> Row:
    """The arm has to go on smoothly, and to stop when it is told to."""
    rig.wait(_UNDISTURBED_S)
    went_on = rig.state == "armed"
    smooth = _is_smooth(rig.config, rig.box.motion_log(at))
    status = "" if smooth else "the arm jumped"
    if not went_on:
        status = rig.explanation()
    asked_at = time.monotonic()
    rig.disarm()
    bound_s = rig.config.limits.stopping_time_s + 2.0 * rig.config.period_s
    stop = _stop_after(rig, asked_at, bound_s)
    fault.repair(rig)
    return undisturbed_row(stop, bound_s, status, went_on and smooth)


def _stop_after(rig: Rig, moment_s: float, bound_s: float) -> Stop:
    """How the arm came to rest after a moment, watched for a while beyond the bound."""
    rig.wait(moment_s + bound_s + _WATCH_S - time.monotonic())
    return measure_stop(rig.box.motion_log(moment_s - _BEFORE_S), moment_s, rest_s=_REST_S)


def _explanation(rig: Rig, causes: Sequence[str]) -> str:
    """The explanation, once it names the cause."""
    end = time.monotonic() + rig.explains_within_s
    said = rig.explanation()
    while not any(words in said for words in causes) and time.monotonic() < end:
        rig.wait(0.05)
        said = rig.explanation()
    return said


def _is_smooth(config: UrConfig, log: Motion) -> bool:
    """Whether speed and acceleration kept their limits; two commands may fall in one period."""
    ticks = round(config.period_s / TICK_S)
    velocity = log.tcp_velocity[:, :3]
    jump = np.linalg.norm(velocity[ticks:] - velocity[:-ticks], axis=1)
    fastest = np.linalg.norm(velocity, axis=1).max()
    most = 2.0 * config.limits.linear_m_s2 * config.period_s
    return bool(fastest <= 1.01 * FULL_SPEED_M_S and jump.max() <= most)
