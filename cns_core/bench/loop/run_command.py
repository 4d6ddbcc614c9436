"""`cns-bench [run]`: runs a suite and writes its report."""

import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

from cns_core.bench.loop.conditions import PERTURBATIONS
from cns_core.bench.loop.methods import CONTROLLERS, OBSERVERS
from cns_core.bench.loop.plan import ENVIRONMENTS, Suite
from cns_core.bench.loop.runner import run as run_episodes
from cns_core.bench.report import tables
from cns_core.bench.report.machine import describe_machine, describe_versions, fingerprint
from cns_core.bench.report.summary import weights_label

QUICK = (
    Suite(("points",), ("cns", "ibvs", "pbvs-truth"), ("none",), verify=(True, False), scenes=2),
    Suite(("affine",), ("cns", "ibvs"), ("sift-tracked",), scenes=2),
    Suite(("render",), ("cns", "cns-policy", "ibvs"), ("sift-tracked",), scenes=2),
    Suite(("render",), ("pbvs-truth", "pbvs-essential"), ("truth",), scenes=2),
    Suite(("render",), ("cns", "ibvs"), ("akaze",), verify=(False,), scenes=1),
)
"""A look at everything within five minutes on two cores."""

FULL = (
    Suite(("render",), ("cns-policy", "ibvs"), ("sift-tracked",)),
    Suite(("render",), ("cns",), ("sift-tracked",), compares_weights=False),
    Suite(("render",), ("cns-policy", "ibvs"), ("akaze",), verify=(True, False), scenes=10),
    Suite(("points",), ("cns-policy",), ("none",), verify=(True, False)),
    Suite(
        ("points",),
        ("cns", "ibvs", "pbvs-truth"),
        ("none",),
        verify=(True, False),
        scenes=10,
        compares_weights=False,
    ),
    Suite(("affine",), ("cns", "ibvs"), ("sift-tracked",), scenes=20, compares_weights=False),
    Suite(("render",), ("pbvs-essential",), ("sift-tracked",), scenes=8),
    Suite(("render",), ("pbvs-truth", "pbvs-essential"), ("truth",), scenes=10),
    Suite(("render",), ("cns",), ("sift",), scenes=1, compares_weights=False),
    Suite(
        ("render",),
        ("cns",),
        ("sift-tracked",),
        perturbations=tuple(name for name in PERTURBATIONS if name != "none"),
        scenes=3,
        compares_weights=False,
    ),
)
"""The paper's E_render and the points on 150 scenes, and what surrounds them on fewer;
`--scenes 50` has 150 of them everywhere, of E_affine 50. With and without verification is AKAZE's,
as in the paper's Fig. 5, matching every frame anew."""


def add_arguments(parser):
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a few scenes of everything: minutes")
    size.add_argument("--full", action="store_true", help="everything: about an hour on two cores")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder of the report")
    parser.add_argument("--fresh", action="store_true", help="discard what --out holds")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one a core")
    parser.add_argument(
        "--weights", nargs="+", metavar="FILE", help="CNS weights to compare; 'shipped' for ours"
    )
    parser.add_argument("--scenes", type=int, help="scenes a section instead of the suite's")
    parser.add_argument("--stop", choices=("motion", "pixel_error"), help="stop rule")
    own = parser.add_argument_group("instead of --quick or --full, a selection")
    own.add_argument("--environments", nargs="+", choices=ENVIRONMENTS, default=("render",))
    own.add_argument("--controllers", nargs="+", choices=CONTROLLERS)
    own.add_argument("--observers", nargs="+", choices=OBSERVERS, default=("sift-tracked",))
    own.add_argument("--perturbations", nargs="+", choices=PERTURBATIONS, default=("none",))
    own.add_argument("--verify", choices=("yes", "no", "both"), default="yes")


def run(args):
    """Run the chosen suites; exit status 0 when the report is written, 2 on bad input."""
    try:
        specs = list(_specs(args))
        facts = _start(args, specs)
    except (ValueError, FileNotFoundError) as error:
        print(f"cns-bench: {error}", file=sys.stderr)
        return 2
    # Plotting needs matplotlib, which the parallel workers do without.
    from cns_core.bench.loop.replay import replay
    from cns_core.bench.report.report import clear, write_report

    if args.fresh:
        clear(args.out)
    print(f"{len(specs)} episodes into {args.out}")
    begun = time.monotonic()
    try:
        records = run_episodes(specs, args.out, facts["fingerprint"], args.jobs)
    except ValueError as error:
        print(f"cns-bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    facts["minutes"] = (time.monotonic() - begun) / 60
    facts["load_at_end"] = describe_machine()["load_1min"]
    content = write_report(args.out, records, facts)
    shown = next((s for s in specs if s.environment == "render" and s.observer != "truth"), None)
    if shown is not None:
        replay(shown, args.out / "sample")
    for environment, part in tables.by_environment(content["rows"]).items():
        print(f"\n{environment}: {tables.markdown(part, brief=True)}")
    print(f"\nreport: {args.out / 'report.html'}")
    return 0


def _specs(args):
    """Every episode once, though suites overlap."""
    seen = set()
    for suite in _suites(args):
        for spec in suite.specs():
            if spec not in seen:
                seen.add(spec)
                yield spec


def _suites(args):
    weights = tuple(None if w == "shipped" else w for w in args.weights or ["shipped"])
    have_cns = _check(weights, required=args.weights is not None)
    if args.quick or args.full:
        suites = QUICK if args.quick else FULL
    else:
        verify = {"yes": (True,), "no": (False,), "both": (True, False)}[args.verify]
        suites = (
            Suite(
                tuple(args.environments),
                tuple(args.controllers or ("cns", "ibvs")),
                tuple(args.observers),
                verify,
                tuple(args.perturbations),
            ),
        )
    for suite in suites:
        controllers = suite.controllers
        if not have_cns:
            controllers = tuple(name for name in controllers if not name.startswith("cns"))
        changes = {"weights": weights, "controllers": controllers, "stop": args.stop or suite.stop}
        if args.scenes is not None:
            changes["scenes"] = args.scenes
        yield replace(suite, **changes)


def _check(weights, required):
    """Load every file once, before hours are spent; False if the shipped weights are missing."""
    from cns_core.policy.weights import load_policy

    try:
        for path in weights:
            load_policy(path)
    except FileNotFoundError as error:
        if required:
            raise
        print(f"without the CNS controller: {error}")
        return False
    return True


def _start(args, specs):
    """What the report says about the run, known before it."""
    from cns_core.policy.weights import default_weights

    if not specs:
        raise ValueError("nothing to run: no scenes or no controllers")
    files = {default_weights() if s.weights is None else s.weights for s in specs if _learned(s)}
    return {
        "command": shlex.join(["cns-bench", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "fingerprint": fingerprint(sorted(files, key=str)),
        "jobs": args.jobs,
        "seeds": "scene, poses and noise follow from environment, section and index",
        "scenes": len({spec.scene for spec in specs}),
        "weights": sorted({weights_label(vars(spec)) for spec in specs} - {""}),
    }


def _learned(spec):
    return spec.controller.startswith("cns")
