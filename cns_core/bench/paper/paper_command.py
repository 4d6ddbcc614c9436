"""`cns-bench paper`: the paper's comparisons, small: twenty minutes on two cores.

Trains the end-to-end methods and the networks of Table II and VII-F with a small part of their
budgets, then runs `--suite paper` and the end-to-end methods on the picture of E_affine.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cns_core.bench.loop.comparison_suites import PAPER
from cns_core.bench.loop.plan import Suite
from cns_core.bench.loop.run_command import run_specs
from cns_core.policy.weights import default_weights


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, default=Path("out/paper"), help="folder of the report")
    parser.add_argument("--fresh", action="store_true", help="discard the episodes in --out")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one a core")
    parser.add_argument("--scenes", type=int, help="scenes a section instead of the suite's")
    parser.add_argument("--first-scene", type=int, default=0, help="index of the first of them")


def run(args: Namespace) -> int:
    """Train what is not trained yet and run the episodes; exit status as of `run_specs`."""
    try:
        # PyTorch and what else trains is installed with an extra of its own.
        from cns_core.bench.paper.small_training import ablated_networks, end_to_end_methods
    except ImportError as error:
        print(f"cns-bench paper: {error}: pip install '.[train,bench]'", file=sys.stderr)
        return 2
    try:
        default_weights()
        methods = end_to_end_methods(args.out / "end_to_end", args.jobs)
        ablated_networks(args.out / "ablations", args.jobs)
    except (ValueError, FileNotFoundError) as error:
        print(f"cns-bench paper: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    specs = [spec for suite in _suites(args, methods) for spec in suite.specs()]
    return run_specs(list(dict.fromkeys(specs)), args.out, args.jobs, args.fresh)


def _suites(args: Namespace, methods: list[str]) -> Iterator[Suite]:
    end_to_end = Suite(("picture",), ("cns", *methods), ("sift-tracked",), scenes=1)
    for suite in (*PAPER, end_to_end):
        scenes = suite.scenes if args.scenes is None else args.scenes
        yield replace(suite, scenes=scenes, first=args.first_scene)
