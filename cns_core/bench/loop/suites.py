"""The suites by their names; those of `--quick`, `--full` and `--suite structure`."""

from __future__ import annotations

from cns_core.bench.loop.comparison_suites import CLASSICAL, PAPER, POSTER
from cns_core.bench.loop.conditions import PERTURBATIONS
from cns_core.bench.loop.plan import Suite

FRESH = 1000
"""Index of the first scene that no setting was chosen on."""

_NOT_IN_FULL = (
    *("none", "prior-none", "odometry-frozen", "odometry-half", "odometry-steps"),
    *("near", "corrupted-print", "scale-x0.1", "scale-x0.3", "scale-x3", "scale-x10"),
)
"""What changes nothing for methods that know no odometry, and what other suites ask."""

QUICK: tuple[Suite, ...] = (
    Suite(("points",), ("cns", "ibvs", "pbvs-truth"), ("none",), verify=(True, False), scenes=2),
    Suite(("affine",), ("cns", "ibvs"), ("sift-tracked",), scenes=2),
    Suite(("render",), ("cns", "cns-policy", "ibvs"), ("sift-tracked",), scenes=2),
    Suite(("render",), ("pbvs-truth", "pbvs-essential"), ("truth",), scenes=2),
    Suite(("render",), ("cns", "ibvs"), ("akaze",), verify=(False,), scenes=1),
)
"""A look at everything within five minutes on two cores."""

FULL: tuple[Suite, ...] = (
    Suite(("render",), ("cns-network", "ibvs"), ("sift-tracked",)),
    Suite(("render",), ("cns",), ("sift-tracked",), compares_weights=False),
    Suite(("render",), ("cns-network", "ibvs"), ("akaze",), verify=(True, False), scenes=10),
    Suite(("points",), ("cns-network",), ("none",), verify=(True, False)),
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
        perturbations=tuple(name for name in PERTURBATIONS if name not in _NOT_IN_FULL),
        scenes=3,
        compares_weights=False,
    ),
)
"""The paper's E_render and the points on 150 scenes, and what surrounds them on fewer;
`--scenes 50` has 150 of them everywhere, of E_affine 50. With and without verification is AKAZE's,
as in the paper's Fig. 5, matching every frame anew."""

_DELAYED = "delay-2"
_WRONG = (
    *("prior-x0.25", "prior-x0.5", "prior-x2", "prior-x4", "prior-none", "hand-eye"),
    *("focal", "focal-short", "principal", "distortion", "drops", "occluder", "moved"),
    *("odometry-frozen", "odometry-half", "odometry-steps"),
)
_SIDE_BY_SIDE = ("cns", "cns-structure")

STRUCTURE: tuple[Suite, ...] = (
    Suite(
        ("render", "tabletop"),
        _SIDE_BY_SIDE,
        ("sift-tracked",),
        perturbations=(_DELAYED,),
        scenes=10,
        first=FRESH,
    ),
    Suite(
        ("render",),
        _SIDE_BY_SIDE,
        ("sift-tracked",),
        perturbations=(f"{_DELAYED}+hard",),
        scenes=10,
        first=FRESH,
    ),
    Suite(
        ("render", "tabletop"),
        ("cns-structure",),
        ("sift-tracked",),
        perturbations=(
            *(f"{_DELAYED}+{name}" for name in _WRONG),
            *("none", "delay-1", "delay-3", "delay-4"),
        ),
        scenes=1,
        first=FRESH,
    ),
)
"""With and without structure at two frames of delay, and structure under what may be wrong, on
scenes that no setting was chosen on."""

PHOTO: tuple[Suite, ...] = tuple(
    Suite(
        ("stereo", "cards"),
        ("cns-structure",),
        ("sift-tracked", "auto-tracked"),
        perturbations=perturbations,
        scenes=scenes,
        first=FRESH,
    )
    for perturbations, scenes in (
        (("none", "camera-machine-vision", "camera-webcam"), 10),
        (("tool", "tool-pasted"), 10),
    )
)
"""Photographs with depth: with every camera, and with a tool in view."""

SUITES = {
    "quick": QUICK,
    "full": FULL,
    "structure": STRUCTURE,
    "paper": PAPER,
    "classical": CLASSICAL,
    "poster": POSTER,
    "photo": PHOTO,
}
"""Suites by name."""
