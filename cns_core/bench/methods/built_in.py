"""The methods that come with the benchmark, by name."""

from __future__ import annotations

from collections.abc import Callable

from cns_core.bench.loop.essential_pbvs import EssentialPbvsController
from cns_core.bench.loop.plan import END_TO_END, is_end_to_end
from cns_core.bench.methods.adaptive_gain import AdaptiveGainController
from cns_core.bench.methods.end_to_end_law import EndToEndLaw
from cns_core.bench.methods.ibvs_laws import ClassicIbvs, true_depths
from cns_core.bench.methods.method import Method, Situation
from cns_core.bench.methods.photometric import PhotometricLaw
from cns_core.bench.methods.straight_truth import StraightTruth
from cns_core.bench.methods.view_laws import Switching, TwoAndAHalfD, ViewPbvs
from cns_core.control.cns import CnsController
from cns_core.control.controller import Controller
from cns_core.control.factory import make_controller
from cns_core.control.pbvs import PbvsController
from cns_core.geometry import se3

STRUCTURE = "cns-structure"
"""The method that is told what the arm measures of the camera's pose."""

POSTER_GAIN = 0.2
_BLUR_PX = 6.0


def _learned(name: str, weights: str | None) -> Controller:
    """``cns`` is what the library serves, ``cns-structure`` that before structure takes over,
    ``cns-policy`` the policy alone, ``cns-network`` its answer to the view without mirror images,
    as in the paper."""
    if name in ("cns-policy", "cns-network"):
        return CnsController(weights, terminal="none", mirrored=name == "cns-policy")
    return make_controller("cns", weights, "structure" if name == STRUCTURE else "ibvs")


LEARNED = ("cns", STRUCTURE, "cns-policy", "cns-network")

CLASSIC: dict[str, Callable[[Situation], Controller]] = {
    "ibvs": lambda _: make_controller("ibvs"),
    "ibvs-current": lambda _: ClassicIbvs("current"),
    "ibvs-desired": lambda _: ClassicIbvs("desired"),
    "ibvs-mean-depth": lambda told: ClassicIbvs("mean", true_depths(told.truth)),
    "ibvs-current-depth": lambda told: ClassicIbvs("current", true_depths(told.truth)),
    "ibvs-desired-depth": lambda told: ClassicIbvs("desired", true_depths(told.truth)),
    "ibvs-adaptive": lambda told: AdaptiveGainController(
        ClassicIbvs("current", true_depths(told.truth))
    ),
    "ibvs-gain-0.2": lambda told: ClassicIbvs("current", true_depths(told.truth), POSTER_GAIN),
    "hybrid-2.5d": lambda _: TwoAndAHalfD(),
    "hybrid-switching": lambda _: Switching(),
    "pbvs-views": lambda _: ViewPbvs(),
    "pbvs-essential": lambda told: EssentialPbvsController(
        lambda: 1e-3 * told.truth.translation_error_mm, told.depth_prior_m
    ),
    "pbvs-truth": lambda told: PbvsController(
        lambda: se3.inverse(told.truth.T_goal) @ told.truth.T, told.depth_prior_m
    ),
    "straight-truth": StraightTruth,
}
"""Controllers of keypoints without weights."""

DIRECT: dict[str, Callable[[Situation], PhotometricLaw]] = {
    "photometric": lambda told: PhotometricLaw(told.camera),
    "photometric-blurred": lambda told: PhotometricLaw(told.camera, blur_px=_BLUR_PX),
}
"""Laws on whole images."""

NAMES = (*LEARNED, *CLASSIC, *DIRECT)
"""Those that need no file; end-to-end methods are named ``pose-cnn:FILE`` and ``siamese:FILE``."""


def check_method(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: unless it names a method, or an end-to-end one and a file of its weights.
    """
    if is_end_to_end(name):
        from cns_core.bench.end_to_end.weights import load_weights

        method, _, file = name.partition(":")
        load_weights(method, file)
    elif name not in NAMES:
        files = " or ".join(f"{method}:FILE" for method in END_TO_END)
        raise ValueError(
            f"controller must be one of {NAMES}, or {files} with the file of its weights, "
            f"got {name!r}"
        )
    return name


def built_in_method(name: str, situation: Situation, weights: str | None = None) -> Method:
    """The method of a name for one episode.

    Args:
        weights: path of CNS weights, None for the shipped ones.

    Raises:
        ValueError: as :func:`check_method`, or for a method that the environment cannot serve.
    """
    check_method(name)
    if is_end_to_end(name):
        return Method(direct=_end_to_end(name))
    if name in LEARNED:
        return Method(controller=_learned(name, weights))
    if name in CLASSIC:
        return Method(controller=CLASSIC[name](situation))
    return Method(direct=DIRECT[name](situation))


def _end_to_end(name: str) -> EndToEndLaw:
    from cns_core.bench.end_to_end.weights import load_weights

    method, _, file = name.partition(":")
    return EndToEndLaw(load_weights(method, file))
