"""IBVS with the interaction matrix of one's choice, and depths that are known or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cns_core.bench.loop.environments import Environment
from cns_core.control.controller import Controller, require_matches
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.interaction_matrix import interaction_matrix

MATRICES = ("current", "desired", "mean")
"""At which image points the matrix is taken (Chaumette and Hutchinson 2006; mean: Malis 2004)."""

Depths = Callable[[Correspondence], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Depths of the matched keypoints in the current and in the desired view, in depth priors."""


class ClassicIbvs(Controller):
    """v = -gain L^+ (s - s*), every matrix with the depths of its own view.

    Args:
        matrix: of ``MATRICES``.
        depths: None for the depth prior everywhere.
        gain: 1/s, beyond the loop's own.

    Raises:
        ValueError: for an unknown matrix.
    """

    min_matches = 4

    def __init__(self, matrix: str, depths: Depths | None = None, gain: float = 1.0) -> None:
        if matrix not in MATRICES:
            raise ValueError(f"matrix must be one of {MATRICES}, got {matrix!r}")
        self._matrix = matrix
        self._depths = depths or _at_the_prior
        self._gain = gain

    def start(self, desired: NDArray[np.float64]) -> None:
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame."""
        require_matches(self, correspondence)
        current = correspondence.current[correspondence.matched]
        desired = correspondence.desired[correspondence.matched]
        now, then = self._depths(correspondence)
        matrices = {
            "current": lambda: _at_depth(current, now),
            "desired": lambda: _at_depth(desired, then),
            "mean": lambda: 0.5 * (_at_depth(current, now) + _at_depth(desired, then)),
        }
        L = matrices[self._matrix]()
        error = (current - desired).ravel()
        return -self._gain * np.linalg.lstsq(L, error, rcond=1e-9)[0]


def true_depths(environment: Environment) -> Depths:
    """Depths as a perfect depth camera tells them in both views; the prior where it is blind."""

    def look_up(seen: Correspondence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        now, then = environment.keypoint_depths(seen) / environment.depth_prior_m
        return np.where(np.isfinite(now), now, 1.0), np.where(np.isfinite(then), then, 1.0)

    return look_up


def _at_the_prior(seen: Correspondence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ones = np.ones(seen.count)
    return ones, ones


def _at_depth(points: NDArray[np.float64], depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2N, 6) interaction matrix of (N, 2) points at (N,) depths."""
    L = interaction_matrix(points)
    L[:, :3] /= np.repeat(depths, 2)[:, None]
    return L
