"""Metres for a policy that knows none: what its linear velocity is scaled by, and who says so."""

from __future__ import annotations

from typing import Literal

import numpy as np

AUTO: Literal["auto"] = "auto"
"""Instead of a number: the best that can be found out."""
Prior = float | Literal["auto"]
"""What a user says: metres, or ``'auto'``."""
Source = Literal["structure", "given", "depth_image", "assumed"]

USUAL_M = 0.5
"""How far scenes usually are. Four times too much is borne, at a low speed. Too little is no safer:
a camera that turns more than it travels learns nothing about distances."""
_NEAREST_M, _FARTHEST_M = 0.01, 10.0
CAUTIOUS_LINEAR_M_S = 0.1
"""Largest linear speed by a distance that is only assumed."""


class DepthPrior:
    """Distance from the desired camera to the centre of the scene, from the best source there is.

    In this order: what the camera's motion has told, the user's number, a depth image, a guess.

    Attributes:
        given: what the user says.
    """

    def __init__(self) -> None:
        self.given: Prior = AUTO
        self._seed_m: float | None = None
        self._measured_m: float | None = None

    def start(self, given: Prior, depth_m: float | None = None) -> None:
        """Begin with another goal.

        Args:
            given, depth_m: as of :meth:`give` and :meth:`seed`.

        Raises:
            ValueError: as :meth:`give` and :meth:`seed`.
        """
        self.give(given)
        self._seed_m = self._measured_m = None
        self.seed(depth_m)

    def give(self, value: Prior) -> None:
        """Take the user's number (m) or ``'auto'``; another one than before begins anew.

        Raises:
            ValueError: if it is neither ``'auto'`` nor positive and finite.
        """
        if value == self.given:
            return
        self.given = AUTO if value == AUTO else _positive("depth_prior", value, " or 'auto'")
        self._measured_m = None

    def seed(self, metres: float | None) -> None:
        """Take what a depth image tells; None for nothing new.

        Raises:
            ValueError: unless it is positive and finite.
        """
        if metres is not None:
            self._seed_m = _positive("depth_m", metres)

    def measure(self, metres: float | None) -> None:
        """Take what the camera's motion tells; None for nothing new.

        What no scene's distance is comes from odometry that does not tell of this camera.
        """
        if metres is not None and _NEAREST_M <= metres <= _FARTHEST_M:
            self._measured_m = metres

    @property
    def source(self) -> Source:
        """Where :attr:`metres` comes from."""
        if self._measured_m is not None:
            return "structure"
        if self.given != AUTO:
            return "given"
        return "assumed" if self._seed_m is None else "depth_image"

    @property
    def metres(self) -> float:
        """The distance in use."""
        if self._measured_m is not None:
            return self._measured_m
        if self.given != AUTO:
            return self.given
        return USUAL_M if self._seed_m is None else self._seed_m

    @property
    def cautious(self) -> bool:
        """Whether the distance is only assumed, so that speeds in m/s mean little."""
        return self.source == "assumed"


def _positive(name: str, value: float | str, otherwise: str = "") -> float:
    if isinstance(value, (bool, str)) or not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite (m){otherwise}, got {value!r}")
    return float(value)
