"""Which episodes the options of `cns-bench run` ask for."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cns_core.bench.loop.conditions import PERTURBATIONS, conditions_of
from cns_core.bench.loop.plan import (
    END_TO_END,
    ENVIRONMENTS,
    RENDERERS,
    Spec,
    Suite,
    is_learned,
    label,
)
from cns_core.bench.loop.suites import SUITES
from cns_core.bench.methods.built_in import NAMES, check_method
from cns_core.bench.methods.observers_by_name import OBSERVERS, check_observer
from cns_core.bench.methods.own_file import load
from cns_core.bench.methods.raft_flow import raft_flow
from cns_core.twin.world.mujoco_scene import load_mujoco


def add_selection(parser: ArgumentParser) -> None:
    """Declare the options that take the place of a suite."""
    own = parser.add_argument_group("instead of a suite, a selection")
    own.add_argument("--environments", nargs="+", choices=ENVIRONMENTS, default=("render",))
    own.add_argument(
        "--controllers",
        nargs="+",
        type=_controller,
        metavar="NAME",
        help=f"{_names(NAMES)}; {' and '.join(f'{m}:FILE' for m in END_TO_END)} trained by "
        "python -m cns_core.bench.end_to_end",
    )
    own.add_argument(
        "--method",
        nargs="+",
        type=_own_file,
        default=[],
        metavar="FILE",
        help="methods of your own, a Python file each with make_method(situation)",
    )
    own.add_argument(
        "--observers",
        nargs="+",
        type=_observer,
        default=("sift-tracked",),
        metavar="NAME",
        help=f"{_names(OBSERVERS)}; raft_small:FILE and raft_large:FILE with torchvision",
    )
    own.add_argument("--renderer", choices=RENDERERS, help="what draws the images")
    own.add_argument(
        "--perturbations",
        nargs="+",
        type=_perturbation,
        default=("none",),
        metavar="NAME",
        help=f"of {', '.join(PERTURBATIONS)}; several at once joined by +",
    )
    own.add_argument("--verify", choices=("yes", "no", "both"), default="yes")


def _names(names: Iterable[str]) -> str:
    return f"of {', '.join(names)}"


def _own_file(path: str) -> str:
    try:
        load(path)
        if label(path) in NAMES:
            raise ValueError(f"{path}: the benchmark has a method of this name, take another one")
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return path


def _controller(name: str) -> str:
    try:
        return check_method(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _observer(name: str) -> str:
    try:
        return check_observer(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _perturbation(name: str) -> str:
    try:
        conditions_of(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return name


def chosen_specs(args: Namespace) -> list[Spec]:
    """Every episode once, though suites overlap."""
    return list(dict.fromkeys(spec for suite in _suites(args) for spec in suite.specs()))


def check_installed(specs: Iterable[Spec]) -> None:
    """Load what only some episodes need, once, before hours are spent.

    Raises:
        ImportError: naming what is to be installed.
        ValueError: for weights that are not what they are named to be.
    """
    renderers, observers = set(), set()
    for spec in specs:
        renderers.add(spec.renderer)
        observers.add(spec.observer)
    if "mujoco" in renderers:
        load_mujoco()
    for model, _, file in (name.partition(":") for name in observers):
        if file:
            raft_flow(model, file)


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
            renderer=args.renderer or suite.renderer,
            scenes=suite.scenes if args.scenes is None else args.scenes,
            first=suite.first if args.first_scene is None else args.first_scene,
        )


def _named(args: Namespace) -> tuple[Suite, ...]:
    """The suites of a name, or the one that the other options describe."""
    if args.suite:
        return SUITES[args.suite]
    if args.quick or args.full:
        return SUITES["quick" if args.quick else "full"]
    return (
        Suite(
            tuple(args.environments),
            (*(args.controllers or ([] if args.method else ["cns", "ibvs"])), *args.method),
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
