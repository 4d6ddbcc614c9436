"""Faults of the camera, and the death of each node, in the whole graph of `cns-bench faults`.

``python -m cns_ros.sim.graph_faults HOST WORDS`` writes one JSON row a line for the faults with
these words in their name.
"""

import json
import os
import sys
import time
from dataclasses import dataclass

import numpy as np

from cns_core.bench.faults.fault_cases import detection_s
from cns_core.bench.faults.fault_rows import AGAIN_S, WATCH_S, stopped_row, undisturbed_row
from cns_core.twin.robot.stopping import moved_since, watch_stop
from cns_ros.sim.graph_rig import FULL_SPEED_M_S, GONE, GraphRig
from cns_ros.sim.twin import IMAGE_RATE_HZ

PHASES = ("rest", "motion")
MAX_IMAGE_AGE_S = 0.5
"""The controller's default: no twist comes of an image older than this."""

_FRAMES_S = 6 / IMAGE_RATE_HZ
_UNDISTURBED_S = 1.0
_EXPLAINED_S = 3.0


@dataclass(frozen=True)
class GraphFault:
    """One fault.

    Attributes:
        name: of the row.
        camera: the twin's ``camera_fault``, or
        victim: what is killed.
        notice: of :func:`noticed_s`.
        causes: words of which one must stand in the status; none if the arm has to go on.
    """

    name: str
    camera: str = ""
    victim: str = ""
    notice: str = ""
    causes: tuple = ()

    def inject(self, rig):
        """Do it; returns when, on the monotonic clock."""
        at = time.monotonic()
        if self.camera:
            rig.graph.set_parameters("twin", camera_fault=self.camera)
        else:
            rig.kill(self.victim)
        return at

    def repair(self, rig):
        """Undo it, so that only the driver keeps the arm from moving."""
        if self.camera:
            rig.graph.set_parameters("twin", camera_fault="none")
        elif self.victim != "worker":
            rig.start(self.victim)


_NO_TWISTS = ("command timeout",)

CASES = (
    GraphFault("camera drops every other frame", camera="dropped"),
    GraphFault("camera duplicates frames", camera="duplicated"),
    GraphFault("camera exchanges frames", camera="out_of_order"),
    GraphFault("camera silent", camera="silent", notice="image", causes=("no matches",)),
    GraphFault("camera frozen", camera="frozen", notice="frozen", causes=("frozen camera",)),
    GraphFault("camera late", camera="late", notice="late", causes=("s old",)),
    GraphFault("camera killed", victim="twin", notice="image", causes=("no matches",)),
    GraphFault("observer killed", victim="observer", notice="silence", causes=_NO_TWISTS),
    GraphFault("controller killed", victim="controller", notice="silence", causes=_NO_TWISTS),
    GraphFault("ur_driver killed", victim="ur_driver", notice="driver", causes=(GONE,)),
    GraphFault("ur_driver's worker killed", victim="worker", notice="driver", causes=("SIGKILL",)),
)
"""All faults of camera and nodes."""


def noticed_s(config, notice):
    """Longest time from a fault until braking begins, for each way of noticing it.

    What a camera has delivered may still move the arm until it is ``max_image_age`` old, and the
    twist it led to is held for ``command_timeout``.
    """
    silence_s = detection_s(config, "silence")
    return {
        "image": MAX_IMAGE_AGE_S + silence_s,
        "frozen": _FRAMES_S + MAX_IMAGE_AGE_S + silence_s,
        # Half as old as the fault.
        "late": 2.0 * MAX_IMAGE_AGE_S + silence_s,
    }.get(notice) or detection_s(config, notice)


def try_fault(rig, case, phase):
    """One row of the table, as a dict. Leaves all nodes alive and the driver disarmed.

    Args:
        rig: a ``GraphRig``.
        case: a ``GraphFault``.
        phase: one of ``PHASES``.
    """
    rig.servo(moving=phase == "motion")
    at = case.inject(rig)
    row = (_stopped if case.causes else _undisturbed)(rig, case, at)
    return {"fault": case.name, "phase": phase, **row}


def _stopped(rig, case, at):
    """The arm has to come to rest, say why, and stay there."""
    bound_s = noticed_s(rig.config, case.notice) + rig.config.limits.stopping_time_s
    rig.graph.spin(at + bound_s - time.monotonic())
    stop = watch_stop(rig.box, at, bound_s + WATCH_S)
    rig.graph.until(lambda: rig.state("ur_driver") in _NOT_ARMED, "a driver that is not armed")
    status = _explained(rig, case)
    case.repair(rig)
    quiet_from = time.monotonic()
    rig.graph.until(lambda: rig.state("ur_driver") == "disarmed", "a driver ready to be armed")
    rig.invite()
    rig.graph.spin(AGAIN_S)
    moved_later = moved_since(rig.box, quiet_from)
    rig.graph.insist("controller/stop")
    return stopped_row(stop, bound_s, status, case.causes, moved_later)


_NOT_ARMED = ("disarmed", "disconnected", "faulted", GONE)


def _explained(rig, case):
    """The explanation, once it names the cause: diagnostics come every second."""
    end = time.monotonic() + _EXPLAINED_S
    while time.monotonic() < end:
        if any(words in rig.explanation() for words in case.causes):
            break
        rig.graph.spin(0.05)
    return rig.explanation()


def _undisturbed(rig, case, at):
    """The arm has to go on smoothly, and to stop when it is told to."""
    rig.graph.spin(_UNDISTURBED_S)
    went_on = rig.state("ur_driver") == "armed"
    smooth = _is_smooth(rig, rig.box.motion_log(at))
    status = "" if smooth else "the arm jumped"
    if not went_on:
        status = rig.explanation()
    asked_at = time.monotonic()
    rig.graph.insist("ur_driver/disarm")
    bound_s = rig.config.limits.stopping_time_s + 2.0 * rig.config.period_s
    stop = watch_stop(rig.box, asked_at, bound_s + WATCH_S)
    case.repair(rig)
    rig.graph.insist("controller/stop")
    return undisturbed_row(stop, bound_s, status, went_on and smooth)


def _is_smooth(rig, log):
    """Whether speed and acceleration kept their limits; two commands may fall in one period."""
    ticks = round(rig.config.period_s / 0.002)
    velocity = log.tcp_velocity[:, :3]
    jump = np.linalg.norm(velocity[ticks:] - velocity[:-ticks], axis=1)
    fastest = np.linalg.norm(velocity, axis=1).max()
    most = 2.0 * rig.config.limits.linear_m_s2 * rig.config.period_s
    return fastest <= 1.01 * FULL_SPEED_M_S and jump.max() <= most


def main():
    """Write the rows as they are measured."""
    host, words = sys.argv[1:]
    cases = [case for case in CASES if words in case.name]
    if not cases:
        return
    with GraphRig(host, domain=1 + os.getpid() % 100) as rig:
        for case in cases:
            for phase in PHASES:
                print(json.dumps(try_fault(rig, case, phase)), flush=True)


if __name__ == "__main__":
    main()
