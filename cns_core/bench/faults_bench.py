"""Injects faults on the way to a simulated arm, at rest and at 0.1 m/s, and measures each stop.

Every row: how long and how far the arm still moved, the bound, what the status said, and whether
it moved again while twists went on and the fault was repaired, before anybody armed it.
"""

import json
import math
import sys
import time
from pathlib import Path

from cns_core.bench.fault_cases import CASES, LATE_FEEDBACK, detection_s
from cns_core.bench.fault_rig import FULL_MOTION, GONE, STANDING, FaultRig
from cns_core.twin.control_box import Q_HOME

PHASES = {"rest": STANDING, "motion": FULL_MOTION}
_AGAIN_S = 1.0
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


def add_arguments(parser):
    """Arguments of `cns-bench faults`."""
    parser.add_argument("--out", type=Path, help="folder for faults.json")
    parser.add_argument("--only", default="", help="only faults with these words in their name")
    parser.add_argument("--host", default="127.0.0.31", help="loopback address of the arm")


def run(args):
    """Run the matrix, print the table; 0 if every row passed."""
    cases = [case for case in (*CASES, LATE_FEEDBACK) if args.only in case.name]
    if not cases:
        print(f"no fault has {args.only!r} in its name", file=sys.stderr)
        return 2
    rows = []
    with FaultRig(args.host) as rig:
        print(_heading())
        for case in cases:
            for phase in PHASES:
                rows.append(try_fault(rig, case, phase))
                print(_line(rows[-1]), flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "faults.json").write_text(json.dumps(rows, indent=1) + "\n")
    failed = sum(not row["passed"] for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} passed")
    return 1 if failed else 0


def try_fault(rig, case, phase):
    """One row of the table, as a dict. Leaves the rig with a living, disarmed driver.

    Args:
        rig: a ``FaultRig`` whose driver is disarmed or faulted.
        case: a ``FaultCase``.
        phase: a key of ``PHASES``.
    """
    rig.home(Q_HOME)
    bound_s = detection_s(rig.config, case.notice) + rig.config.limits.stopping_time_s
    if case is LATE_FEEDBACK:
        rig.arm(STANDING)
        at = case.inject(rig)
        if phase == "motion":
            rig.send(FULL_MOTION)
    else:
        rig.arm(PHASES[phase])
        at = case.inject(rig)
    if case.stops and not (case is LATE_FEEDBACK and phase == "rest"):
        row = _stopped(rig, case, at, bound_s)
    else:
        row = _undisturbed(rig, case, at)
    return {"fault": case.name, "phase": phase, "bound_s": bound_s, **row}


def _stopped(rig, case, at, bound_s):
    """The arm has to come to rest, say why, and stay there."""
    stop = rig.stop_after(at, bound_s + 0.2)
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
    time.sleep(_AGAIN_S)
    moved_again = rig.moved_since(quiet_from)
    explained = any(words in status for words in case.causes)
    in_time = stop.time_s <= bound_s
    return {
        "stop_time_s": stop.time_s if math.isfinite(stop.time_s) else None,
        "stop_distance_mm": stop.distance_mm if math.isfinite(stop.distance_mm) else None,
        "status": status,
        "moved_again": moved_again,
        "passed": in_time and not moved_again and explained,
    }


def _undisturbed(rig, case, at):
    """The arm has to go on, and to stop when it is told to."""
    went_on = rig.status["state"] == "armed"
    cause = rig.status["cause"]
    case.repair(rig)
    asked_at = time.monotonic()
    rig.request("disarm")
    bound_s = rig.config.limits.stopping_time_s + 2.0 * rig.config.period_s
    stop = rig.stop_after(asked_at, bound_s)
    return {
        "stop_time_s": stop.time_s,
        "stop_distance_mm": stop.distance_mm,
        "status": cause or "undisturbed, then disarmed on request",
        "moved_again": False,
        "passed": went_on and stop.time_s <= bound_s,
    }


def _explanation(rig):
    """Why the arm stands, and what was wrong with the twists, as the status has it."""
    status = rig.status
    if status["state"] == GONE:
        return GONE
    return "; ".join(filter(None, (status["last_stop"] or status["cause"], status["refusal"])))


def _heading():
    return "  ".join(f"{name:{form.partition('.')[0]}}" for name, form in _COLUMNS.items())


def _line(row):
    """A row of the table; an arm that did not stop has no figures."""
    cells = ((row[name], form) for name, form in _COLUMNS.items())
    return "  ".join(_cell(value, form) for value, form in cells)


def _cell(value, form):
    return f"{value:{form}}" if isinstance(value, float) else f"{value!s:{form.partition('.')[0]}}"
