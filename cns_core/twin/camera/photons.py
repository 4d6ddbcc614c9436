"""From electrons to the converter's numbers: shot noise, read noise, saturation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


class PhotonNoise:
    """Electrons that are counted where so many are expected; seeded.

    Shot noise is Poisson's, drawn as the normal distribution of the same mean and variance: they
    are alike from some ten electrons on, where read noise no longer hides the difference.

    Args:
        read_noise_e: standard deviation of the read noise, electrons.
        seed: consecutive images get different noise.
    """

    def __init__(self, read_noise_e: float, seed: int) -> None:
        self._read_variance = read_noise_e**2
        self._rng = np.random.default_rng([seed, 12])
        self._pool: NDArray[np.float32] = np.zeros(0, np.float32)

    def count(self, electrons: NDArray[np.float32]) -> NDArray[np.float32]:
        """Electrons counted, of the same shape as the (non-negative) ones expected."""
        deviation = cv2.sqrt(electrons + np.float32(self._read_variance))
        counted = cv2.add(electrons, cv2.multiply(deviation, self._draw(electrons.shape)))
        return counted.astype(np.float32, copy=False)

    def _draw(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normal numbers: a random window of a pool, as fresh ones cost too much."""
        count = int(np.prod(shape))
        if len(self._pool) < 2 * count:
            self._pool = self._rng.standard_normal(2 * count, np.float32)
        start = self._rng.integers(len(self._pool) - count + 1)
        return self._pool[start : start + count].reshape(shape)


def convert(
    electrons: NDArray[np.float32], full_well_e: float, gain: float, bits: int
) -> NDArray[np.uint16]:
    """The converter's numbers, 0 to 2**bits - 1; at gain 1 a full pixel gives the largest."""
    largest = 2**bits - 1
    filled = np.minimum(electrons, np.float32(full_well_e))
    levels = filled * np.float32(gain * largest / full_well_e)
    numbers = np.rint(np.clip(levels, 0.0, largest, out=levels), out=levels)
    return numbers.astype(np.uint16)
