"""Which episodes the options of `cns-bench run` ask for."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from dataclasses import replace

from cns_core.bench.loop.conditions import PERTURBATIONS, conditions_of
from cns_core.bench.loop.methods import CONTROLLERS, OBSERVERS
from cns_core.bench.loop.plan import ENVIRONMENTS, Spec, Suite, is_learned
from cns_core.bench.loop.suites import FULL, QUICK, SUITES


def add_selection(parser: ArgumentParser) -> None:
    """Declare the options that take the place of a suite."""
    own = parser.add_argument_group("instead of a suite, a selection")
    own.add_argument("--environments", nargs="+", choices=ENVIRONMENTS, default=("render",))
    own.add_argument("--controllers", nargs="+", choices=CONTROLLERS)
    own.add_argument("--observers", nargs="+", choices=OBSERVERS, default=("sift-tracked",))
    own.add_argument(
        "--perturbations",
        nargs="+",
        type=_perturbation,
        default=("none",),
        metavar="NAME",
        help=f"of {', '.join(PERTURBATIONS)}; several at once joined by +",
    )
    own.add_argument("--verify", choices=("yes", "no", "both"), default="yes")


def _perturbation(name: str) -> str:
    try:
        conditions_of(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return name


def chosen_specs(args: Namespace) -> list[Spec]:
    """Every episode once, though suites overlap."""
    return list(dict.fromkeys(spec for suite in _suites(args) for spec in suite.specs()))


def _suites(args: Namespace) -> Iterator[Suite]:
    weights = tuple(None if w == "shipped" else w for w in args.weights or ["shipped"])
    have_cns = _check(weights, required=args.weights is not None)
    for suite in _named(args):
        controllers = suite.controllers
        if not have_cns:
            controllers = tuple(name for name in controllers if not is_learned(name))
        yield replace(
            suite,
            weights=weights,
            controllers=controllers,
            stop=args.stop or suite.stop,
            scenes=suite.scenes if args.scenes is None else args.scenes,
            first=suite.first if args.first_scene is None else args.first_scene,
        )


def _named(args: Namespace) -> tuple[Suite, ...]:
    """The suites of a name, or the one that the other options describe."""
    if args.suite:
        return SUITES[args.suite]
    if args.quick or args.full:
        return QUICK if args.quick else FULL
    return (
        Suite(
            tuple(args.environments),
            tuple(args.controllers or ("cns", "ibvs")),
            tuple(args.observers),
            {"yes": (True,), "no": (False,), "both": (True, False)}[args.verify],
            tuple(args.perturbations),
        ),
    )


def _check(weights: tuple[str | None, ...], required: bool) -> bool:
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
