"""A gain that grows towards the goal, as the users of ViSP have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.control.controller import Controller
from cns_core.geometry.correspondence import Correspondence


@dataclass(frozen=True)
class AdaptiveGain:
    """lambda(x) = (at_zero - at_infinity) exp(-slope / (at_zero - at_infinity) x) + at_infinity.

    The formula of ViSP's ``vpAdaptiveGain``, x the infinity norm of the error; the defaults are
    those of its servoing examples for UR and Franka arms.

    Attributes:
        at_zero, at_infinity: gain in 1/s at the goal and far from it.
        slope: how fast the gain falls with the error at the goal.

    Raises:
        ValueError: unless ``at_zero > at_infinity > 0`` and ``slope > 0``.
    """

    at_zero: float = 1.5
    at_infinity: float = 0.4
    slope: float = 30.0

    def __post_init__(self) -> None:
        if not (self.at_zero > self.at_infinity > 0 and self.slope > 0):
            raise ValueError(f"need at_zero > at_infinity > 0 and slope > 0, got {self}")

    def __call__(self, error: NDArray[np.float64]) -> float:
        """The gain for an error of any shape; of nothing, that at zero."""
        span = self.at_zero - self.at_infinity
        largest = float(np.abs(error).max(initial=0.0))
        return span * float(np.exp(-self.slope / span * largest)) + self.at_infinity


class AdaptiveGainController(Controller):
    """A controller whose twist is scaled by the gain of the keypoints' error.

    Args:
        controller: of gain 1.
        gain: None for the defaults.
    """

    def __init__(self, controller: Controller, gain: AdaptiveGain | None = None) -> None:
        self._controller = controller
        self._gain = gain or AdaptiveGain()
        self.min_matches = controller.min_matches

    def start(self, desired: NDArray[np.float64]) -> None:
        """Begin towards (N, 2) desired keypoints."""
        self._controller.start(desired)

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w], camera optical frame."""
        gap = (correspondence.current - correspondence.desired)[correspondence.matched]
        return self._gain(gap) * self._controller.velocity(correspondence)
