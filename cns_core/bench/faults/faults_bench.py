"""Injects faults around a simulated arm, at rest and at 0.1 m/s, and measures each stop.

First faults between driver and arm, then, where ROS is installed, faults of the camera and the
death of each node in the whole graph.

Every row: how long and how far the arm still moved, the bound, what the status said, and whether
it moved again while twists went on and the fault was repaired, before anybody armed it.
"""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

from cns_core.bench.faults.fault_cases import CASES, LATE_FEEDBACK, detection_s
from cns_core.bench.faults.fault_rig import FULL_MOTION, GONE, STANDING, FaultRig
from cns_core.bench.faults.fault_rows import (
    AGAIN_S,
    WATCH_S,
    heading,
    line,
    stopped_row,
    undisturbed_row,
)
from cns_core.twin.robot.control_box import Q_HOME
from cns_core.twin.robot.stopping import moved_since, watch_stop

PHASES = {"rest": STANDING, "motion": FULL_MOTION}


def add_arguments(parser):
    """Arguments of `cns-bench faults`."""
    parser.add_argument("--out", type=Path, help="folder for faults.json")
    parser.add_argument("--only", default="", help="only faults with these words in their name")
    parser.add_argument("--host", default="127.0.0.31", help="loopback address of the arm")


def run(args):
    """Run the matrix, print the table; 0 if every row passed."""
    print(heading())
    rows, broken = [], ""
    try:
        for row in _rows(args):
            rows.append(row)
            print(line(row), flush=True)
    except (RuntimeError, TimeoutError) as reason:
        broken = f"broken off: {reason}"
        print(broken, file=sys.stderr)
    if not rows and not broken:
        print(f"no fault has {args.only!r} in its name", file=sys.stderr)
        return 2
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "faults.json").write_text(json.dumps(rows, indent=1) + "\n")
    failed = sum(not row["passed"] for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} passed")
    return 1 if failed or broken else 0


def _rows(args):
    """One row after the other, as they are measured."""
    cases = [case for case in (*CASES, LATE_FEEDBACK) if args.only in case.name]
    if cases:
        with FaultRig(args.host) as rig:
            for case in cases:
                for phase in PHASES:
                    yield try_fault(rig, case, phase)
    if importlib.util.find_spec("rclpy") is None:
        print("no rclpy here: faults of camera and nodes are left out", file=sys.stderr)
        return
    # A process of its own, because nothing of cns_core knows of ROS.
    command = [sys.executable, "-m", "cns_ros.sim.graph_faults", args.host, args.only]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as graph:
        yield from map(json.loads, graph.stdout)
    if graph.returncode:
        raise RuntimeError(f"the graph of nodes ended with exit code {graph.returncode}")


def try_fault(rig, case, phase):
    """One row of the table, as a dict. Leaves the rig with a living, disarmed driver.

    Args:
        rig: a ``FaultRig`` whose driver is disarmed or faulted.
        case: a ``FaultCase``.
        phase: a key of ``PHASES``.
    """
    rig.home(Q_HOME)
    if case is LATE_FEEDBACK:
        rig.arm(STANDING)
        at = case.inject(rig)
        if phase == "motion":
            rig.send(FULL_MOTION)
    else:
        rig.arm(PHASES[phase])
        at = case.inject(rig)
    if case.stops and not (case is LATE_FEEDBACK and phase == "rest"):
        row = _stopped(rig, case, at)
    else:
        row = _undisturbed(rig, case)
    return {"fault": case.name, "phase": phase, **row}


def _stopped(rig, case, at):
    """The arm has to come to rest, say why, and stay there."""
    bound_s = detection_s(rig.config, case.notice) + rig.config.limits.stopping_time_s
    stop = watch_stop(rig.box, at, bound_s + WATCH_S)
    if case.hides:
        case.repair(rig)
    rig.until_state("disarmed", "faulted", "disconnected", GONE)
    status = _explanation(rig)
    if not case.hides:
        case.repair(rig)
    quiet_from = time.monotonic()
    if rig.status["state"] == GONE:
        rig.start_driver()
    rig.send(FULL_MOTION)
    time.sleep(AGAIN_S)
    return stopped_row(stop, bound_s, status, case.causes, moved_since(rig.box, quiet_from))


def _undisturbed(rig, case):
    """The arm has to go on, and to stop when it is told to."""
    went_on = rig.status["state"] == "armed"
    cause = rig.status["cause"]
    case.repair(rig)
    asked_at = time.monotonic()
    rig.request("disarm")
    bound_s = rig.config.limits.stopping_time_s + 2.0 * rig.config.period_s
    stop = watch_stop(rig.box, asked_at, bound_s + WATCH_S)
    return undisturbed_row(stop, bound_s, cause, went_on)


def _explanation(rig):
    """Why the arm stands, and what was wrong with the twists, as the status has it."""
    status = rig.status
    if status["state"] == GONE:
        return GONE
    return "; ".join(filter(None, (status["last_stop"] or status["cause"], status["refusal"])))
