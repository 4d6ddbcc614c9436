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
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from cns_core.bench.faults.arm_faults import ARM_FAULTS
from cns_core.bench.faults.arm_rig import ArmRig
from cns_core.bench.faults.rows import Row, heading, line
from cns_core.bench.faults.trial import try_faults


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of `cns-bench faults`."""
    parser.add_argument("--out", type=Path, help="folder for faults.json")
    parser.add_argument("--only", default="", help="only faults with these words in their name")
    parser.add_argument("--host", default="127.0.0.31", help="loopback address of the arm")


def run(args: Namespace) -> int:
    """Run the matrix, print the table; 0 if every row passed."""
    print(heading())
    rows: list[Row] = []
    broken = ""
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


def _rows(args: Namespace) -> Iterator[Row]:
    """One row after the other, as they are measured."""
    faults = [fault for fault in ARM_FAULTS if args.only in fault.name]
    if faults:
        with ArmRig(args.host) as rig:
            yield from try_faults(rig, faults)
    if importlib.util.find_spec("rclpy") is None:
        print("no rclpy here: faults of camera and nodes are left out", file=sys.stderr)
        return
    # Processes of their own, because nothing of cns_core knows of ROS.
    for module in ("cns_ros.sim.twist_controller_faults", "cns_ros.sim.graph_faults"):
        command = [sys.executable, "-m", module, args.host, args.only]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as graph:
            assert graph.stdout  # a pipe
            yield from map(json.loads, graph.stdout)
        if graph.returncode:
            raise RuntimeError(f"{module} ended with exit code {graph.returncode}")
