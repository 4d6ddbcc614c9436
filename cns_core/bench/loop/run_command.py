"""`cns-bench [run]`: runs a suite and writes its report."""

from __future__ import annotations

import shlex
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from cns_core.bench.loop.plan import Spec, is_learned, is_own_file
from cns_core.bench.loop.runner import run as run_episodes
from cns_core.bench.loop.selection import add_selection, check_installed, chosen_specs
from cns_core.bench.loop.suites import SUITES
from cns_core.bench.report import tables
from cns_core.bench.report.machine import describe_machine, describe_versions, fingerprint
from cns_core.bench.report.summary import Row, weights_label
from cns_core.control.factory import STOP_RULES


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a few scenes of everything: minutes")
    size.add_argument("--full", action="store_true", help="everything: about an hour on two cores")
    size.add_argument("--suite", choices=SUITES, help="a suite by its name")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder of the report")
    parser.add_argument("--fresh", action="store_true", help="discard what --out holds")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one a core")
    parser.add_argument(
        "--weights", nargs="+", metavar="FILE", help="CNS weights to compare; 'shipped' for ours"
    )
    parser.add_argument("--scenes", type=int, help="scenes a section instead of the suite's")
    parser.add_argument("--first-scene", type=int, help="index of the first scene of a section")
    parser.add_argument("--stop", choices=tuple(STOP_RULES), help="stop rule")
    add_selection(parser)


def run(args: Namespace) -> int:
    """Run the chosen suites; exit status as of :func:`run_specs`."""
    try:
        specs = chosen_specs(args)
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"cns-bench: {error}", file=sys.stderr)
        return 2
    return run_specs(specs, args.out, args.jobs, args.fresh)


def run_specs(specs: list[Spec], out: Path, jobs: int, fresh: bool) -> int:
    """Run episodes and write their report.

    Args:
        out: folder of the report; what it holds of these episodes is not run again.
        jobs: processes, -1 for one a core.
        fresh: discard what the folder holds.

    Returns:
        Exit status: 0 when the report is written, 2 on bad input, 130 when interrupted.
    """
    try:
        facts = _start(specs, jobs)
    except (ValueError, FileNotFoundError, ImportError) as error:
        print(f"cns-bench: {error}", file=sys.stderr)
        return 2
    # Plotting needs matplotlib, which the parallel workers do without.
    from cns_core.bench.loop.replay import replay
    from cns_core.bench.report.report import clear, write_report

    if fresh:
        clear(out)
    print(f"{len(specs)} episodes into {out}")
    begun = time.monotonic()
    try:
        records = run_episodes(specs, out, facts["fingerprint"], jobs)
    except ValueError as error:
        print(f"cns-bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    facts["minutes"] = (time.monotonic() - begun) / 60
    facts["load_at_end"] = describe_machine()["load_1min"]
    content = write_report(out, records, facts)
    shown = next((s for s in specs if s.environment == "render" and s.observer != "truth"), None)
    if shown is not None:
        replay(shown, out / "sample")
    _print_tables(content["rows"])
    print(f"\nreport: {out / 'report.html'}")
    return 0


def _print_tables(rows: list[Row]) -> None:
    for environment, part in tables.by_environment(rows).items():
        print(f"\n{environment}: {tables.markdown(part, brief=True)}")


def _start(specs: list[Spec], jobs: int) -> dict[str, Any]:
    """What the report says about the run, known before it."""
    from cns_core.policy.weights import default_weights

    if not specs:
        raise ValueError("nothing to run: no scenes or no controllers")
    check_installed(specs)
    learned = [spec for spec in specs if is_learned(spec.controller)]
    files = {str(default_weights() if s.weights is None else s.weights) for s in learned}
    files |= {spec.controller for spec in specs if is_own_file(spec.controller)}
    named = {name for spec in specs for name in (spec.observer, spec.controller)}
    files |= {file for name in named if (file := name.partition(":")[2])}
    return {
        "command": shlex.join(["cns-bench", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "fingerprint": fingerprint(sorted(files)),
        "jobs": jobs,
        "seeds": "scene, poses and noise follow from environment, section and index",
        "scenes": len({spec.scene for spec in specs}),
        "weights": sorted({weights_label(vars(spec)) for spec in specs} - {""}),
    }
