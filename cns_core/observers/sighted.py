"""Where keypoints were found in an image, and how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Sighted:
    """Of N keypoints, pixels of the full-size image.

    Attributes:
        pixels: (N, 2) where they are.
        misfit: (N,) how much worse than usual their patches fit there, infinite where not found.
        deviation_px: (N,) standard deviation of a position along one axis, NaN where not found.
        bent: (N,) bool, whose map to the desired image had to be refined.
    """

    pixels: np.ndarray
    misfit: np.ndarray
    deviation_px: np.ndarray
    bent: np.ndarray

    @classmethod
    def nowhere(cls, pixels: np.ndarray) -> Sighted:
        """Not found, with (N, 2) ``pixels`` to be replaced."""
        count = len(pixels)
        nothing = np.full(count, np.inf), np.full(count, np.nan), np.zeros(count, dtype=bool)
        return cls(pixels.copy(), *nothing)

    def or_else(self, chosen: np.ndarray, other: Sighted) -> Sighted:
        """This where (N,) bool ``chosen`` says so, another elsewhere."""
        return Sighted(
            np.where(chosen[:, None], self.pixels, other.pixels),
            np.where(chosen, self.misfit, other.misfit),
            np.where(chosen, self.deviation_px, other.deviation_px),
            np.where(chosen, self.bent, other.bent),
        )
