"""Follows the goal: the last one is where the next is looked for."""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.structure.camera_track import FEWEST, INLIER
from cns_core.structure.goal import Fit, Sightings, first_guess, fit_goal
from cns_core.structure.projection import MEDIAN, median
from cns_core.structure.settings import StructureSettings

_LEAST_SHARE = 0.5
"""Known points that a goal must explain."""
_FACTORS, _BAD_FACTOR = (0.5, 20.0), 2.5
"""Noise over the expected one, and where another minimum of the fit is looked for."""
_SMOOTHING, _LARGEST_RATIO = 0.1, 3.0
_TOLERANCE = 5e-3


class GoalTrack:
    """Where the desired camera is in the map.

    Attributes:
        factor: noise of the sightings over the expected one, as the fits tell it.
    """

    def __init__(self, settings: StructureSettings) -> None:
        self.factor = 1.0
        self._shared_depth = settings.shared_depth
        self._T_goal: np.ndarray | None = None

    def lose(self) -> None:
        """Look for the goal from nothing the next time."""
        self._T_goal = None

    def stretch(self, factor: float, centre: np.ndarray) -> None:
        """Follow the map as it becomes larger by a factor about (3,) ``centre``."""
        if self._T_goal is not None:
            self._T_goal[:3, 3] = centre + factor * (self._T_goal[:3, 3] - centre)

    def find(
        self, seen: Sightings, known: np.ndarray, T: np.ndarray, noise: np.ndarray
    ) -> tuple[Fit, np.ndarray] | None:
        """The fit of the goal and the (M,) known points it explains; None if it explains too few.

        Args:
            known: (M,) bool, the sightings whose depth the map tells.
            T: (4, 4) pose of the current camera in the map.
            noise: (M,) standard deviations of the sightings, normalized plane.
        """
        fit = self._fit(seen, known, T, noise)
        if fit is None:
            return None
        inliers = known & (fit.distance < INLIER)
        if inliers.sum() < max(FEWEST, _LEAST_SHARE * known.sum()):
            self.lose()
            return None
        self._T_goal = T @ se3.inverse(fit.T_goal_current)
        ratio = min(median(fit.distance) / MEDIAN, _LARGEST_RATIO)
        self.factor = float(np.clip(self.factor * (1.0 + _SMOOTHING * (ratio - 1.0)), *_FACTORS))
        return fit, inliers

    def _fit(
        self, seen: Sightings, known: np.ndarray, T: np.ndarray, noise: np.ndarray
    ) -> Fit | None:
        """The better of the fits from the last goal and, where that fits badly, from nothing."""
        guesses = []
        if self._T_goal is not None:
            guesses.append(se3.inverse(self._T_goal) @ T)
        if self._T_goal is None or self.factor > _BAD_FACTOR:
            guess = first_guess(seen.chosen(known), _TOLERANCE)
            if guess is not None:
                guesses.append(guess)
        fits = [fit_goal(guess, seen, noise, self._shared_depth) for guess in guesses]
        return min(fits, key=lambda fit: median(fit.distance), default=None)
