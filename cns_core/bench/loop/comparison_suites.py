"""The suites that compare methods: the paper's, the classical ones, and the poster protocol."""

from __future__ import annotations

from cns_core.bench.loop.plan import Suite
from cns_core.bench.loop.poster import STARTS

_OBSERVED = ("sift-tracked",)
CLASSICAL_METHODS = (
    *("ibvs", "ibvs-current", "ibvs-desired", "ibvs-mean-depth", "ibvs-current-depth"),
    *("ibvs-desired-depth", "ibvs-adaptive", "hybrid-2.5d", "hybrid-switching", "pbvs-views"),
    "pbvs-essential",
)
DIRECT_METHODS = ("photometric", "photometric-blurred")
SCALES = ("scale-x0.1", "scale-x0.3", "none", "scale-x3", "scale-x10")
PRIORS = ("prior-x0.25", "prior-x0.5", "prior-x2", "prior-x4")


def _render(
    controllers: tuple[str, ...],
    observers: tuple[str, ...] = _OBSERVED,
    verify: tuple[bool, ...] = (True,),
    perturbations: tuple[str, ...] = ("none",),
    scenes: int = 1,
) -> Suite:
    return Suite(
        ("render",),
        controllers,
        observers,
        verify,
        perturbations,
        scenes=scenes,
        compares_weights=False,
    )


PAPER: tuple[Suite, ...] = (
    # Fig. 5 (a)
    Suite(("affine",), ("cns-network", "ibvs", *DIRECT_METHODS), _OBSERVED, scenes=3),
    # Fig. 5 (b)
    _render(("cns-network", "ibvs"), ("akaze",), (True, False)),
    _render(("ibvs",), ("dis-flow",), (True, False)),
    # Table I, its scenes in the renderer
    _render(("cns-network", "ibvs"), ("sift",), (True, False)),
    _render(("cns-network", "ibvs"), ("sift",), perturbations=("hard",)),
    # VII-G and VII-H
    _render(("cns-network",), perturbations=SCALES),
    _render(("cns-network",), perturbations=PRIORS),
    # Beyond it: the classical methods
    _render(CLASSICAL_METHODS),
)
"""What of the paper's comparisons needs no training, and the classical methods, a scene a section.
`--scenes 50` has the paper's numbers of episodes."""

CLASSICAL: tuple[Suite, ...] = (
    _render(("cns", *CLASSICAL_METHODS), scenes=10),
    _render(("cns", "ibvs", *DIRECT_METHODS), perturbations=("none", "near"), scenes=10),
)
"""Classical and direct methods on the same scenes as `cns`, the direct ones from near as well."""

POSTER: tuple[Suite, ...] = tuple(
    Suite(
        ("poster",),
        controllers,
        observers,
        perturbations=("none", "corrupted-print"),
        scenes=STARTS,
        compares_weights=False,
    )
    for controllers, observers in (
        (("cns",), _OBSERVED),
        (("ibvs-gain-0.2",), ("sift", "akaze", "orb")),
    )
)
"""The 500 starts of the poster protocol, clean and corrupted: ours, and its classical baselines."""
