"""A method of your own for the benchmark, in one file: a function ``make_method``.

This one is IBVS that trusts a match the less the farther it lies from where the others go, by
Tukey's weights (Comport, Marchand and Chaumette, "Statistically robust 2-D visual servoing", 2006).

    cns-bench --method examples/own_method.py --controllers ibvs --verify no --scenes 2
"""

from __future__ import annotations

import numpy as np

from cns_core import Correspondence
from cns_core.bench.methods.method import Method, Situation
from cns_core.control.controller import Controller
from cns_core.geometry.interaction_matrix import mean_interaction_matrix

ROUNDS = 5
TUKEY = 4.6851
LEAST_SCALE = 1e-4


class RobustIbvs(Controller):
    """Iteratively reweighted least squares of the mean interaction matrix."""

    min_matches = 6

    def start(self, desired: np.ndarray) -> None:
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence: Correspondence) -> np.ndarray:
        """(6,) twist [v/d, w] in 1/s and rad/s, optical frame, gain 1."""
        current = correspondence.current[correspondence.matched]
        desired = correspondence.desired[correspondence.matched]
        L, error = mean_interaction_matrix(current, desired), (current - desired).ravel()
        weights = np.ones(len(current))
        for _ in range(ROUNDS):
            w = np.sqrt(np.repeat(weights, 2))
            twist = -np.linalg.lstsq(w[:, None] * L, w * error, rcond=1e-9)[0]
            left = np.linalg.norm((L @ twist + error).reshape(-1, 2), axis=1)
            scale = max(1.4826 * float(np.median(left)), LEAST_SCALE)
            weights = np.clip(1.0 - (left / (TUKEY * scale)) ** 2, 0.0, None) ** 2
        return twist


def make_method(situation: Situation) -> Method:
    """Called once an episode; ``situation`` tells camera, depth prior and period."""
    return Method(controller=RobustIbvs())
