"""Streams to a simulated arm at several rates: rate held, jitter, and growth over a long time.

`cns-bench stream` prints the table of 25, 125 and 500 Hz. The soak is
`cns-bench stream --rates 25 --minutes 30`: a row a minute, failing if memory or age grows.
"""

import math
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from cns_core.bench.faults.arm_rig import STANDING, ArmRig
from cns_core.twin.robot.control_box import Q_HOME

_SWAY_M_S, _SWAY_S = 0.05, 4.0
_STEP_S = 0.04
_GROWTH_MB, _GROWTH_S = 8.0, 0.02
_HEADING = "  rate_hz  held_hz  jitter_p50_ms  jitter_p99_ms  missed  age_p99_s  memory_mb"


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of `cns-bench stream`."""
    parser.add_argument("--rates", type=float, nargs="+", default=[25.0, 125.0, 500.0])
    parser.add_argument("--minutes", type=float, default=0.25, help="at each rate")
    parser.add_argument("--host", default="127.0.0.32", help="loopback address of the arm")


def run(args: Namespace) -> int:
    """Print the table; 0 if the arm stayed armed, held the rate and nothing grew."""
    print(_HEADING)
    held = [_hold(args, rate_hz) for rate_hz in args.rates]
    return 0 if all(held) else 1


def _hold(args: Namespace, rate_hz: float) -> bool:
    """Sway at one rate; whether all was well."""
    rows: list[dict[str, float]] = []
    with ArmRig(args.host, rate_hz=rate_hz) as rig:
        rig.home(Q_HOME)
        rig.arm(STANDING)
        end = time.monotonic() + 60.0 * args.minutes
        while time.monotonic() < end:
            row = _sway(rig, min(60.0, end - time.monotonic()))
            if not row:
                print(f"stopped: {rig.driver.report.last_stop}")
                return False
            rows.append(row)
            print(_line(rate_hz, row), flush=True)
        rig.disarm()
    return not _grew(rows) and abs(rows[-1]["rate_hz"] / rate_hz - 1.0) < 0.01


def _sway(rig: ArmRig, duration_s: float) -> dict[str, float]:
    """Move to and fro for some time; the figures of that time, empty if the arm was stopped."""
    start, ages = time.monotonic(), list[float]()
    while time.monotonic() < start + duration_s and rig.state == "armed":
        phase = 2.0 * math.pi * (time.monotonic() - start) / _SWAY_S
        rig.driver.send([_SWAY_M_S * math.cos(phase), 0.0, 0.0, 0.0, 0.0, 0.0])
        ages.append(rig.driver.report.command_age_s)
        time.sleep(_STEP_S)
    if rig.state != "armed":
        return {}
    ages.sort()
    report = rig.driver.report
    memory = _memory_mb(rig.driver.pid) + _memory_mb(report.worker_pid)
    return report.stream | {"age_p99_s": ages[int(0.99 * len(ages))], "memory_mb": memory}


def _grew(rows: list[dict[str, float]]) -> bool:
    """Whether memory or age have grown since the first row, in which everything is warm."""
    first, last = rows[0], rows[-1]
    return (
        last["memory_mb"] > first["memory_mb"] + _GROWTH_MB
        or last["age_p99_s"] > first["age_p99_s"] + _GROWTH_S
    )


def _line(rate_hz: float, row: dict[str, float]) -> str:
    return (
        f"{rate_hz:9.0f}{row['rate_hz']:9.2f}{row['jitter_p50_ms']:15.3f}"
        f"{row['jitter_p99_ms']:15.3f}{row['missed']:8d}{row['age_p99_s']:11.3f}"
        f"{row['memory_mb']:11.1f}"
    )


def _memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(status.split("VmRSS:")[1].split()[0]) / 1024.0
