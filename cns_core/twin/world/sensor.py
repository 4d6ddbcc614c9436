"""What an image sensor does to a rendered view: exposure, light and noise."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray


class ImageSensor:
    """Turns radiance into pixel values; seeded, so that a run repeats.

    Args:
        light: factor on all intensities; values above 255 saturate.
        noise_std: standard deviation of the additive Gaussian noise, in grey levels.
        seed: of the noise; consecutive images get different noise.

    Raises:
        ValueError: if ``light`` or ``noise_std`` is negative or not finite.
    """

    def __init__(self, light: float = 1.0, noise_std: float = 0.0, seed: int = 0) -> None:
        for name, value in (("light", light), ("noise_std", noise_std)):
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, got {value!r}")
        self.light = light
        self.noise_std = noise_std
        self._rng = np.random.default_rng(seed)
        self._pool: NDArray[np.uint8] | None = None

    def expose(self, views: Sequence[np.ndarray]) -> np.ndarray:
        """Average one or more uint8 views, as a shutter that stays open does, and add the rest."""
        image = views[0] if len(views) == 1 else np.mean(views, axis=0).round().astype(np.uint8)
        if self.light != 1.0:
            image = cv2.convertScaleAbs(image, alpha=self.light)
        if self.noise_std > 0.0:
            brighter, darker = self._noise(image.shape)
            image = cv2.subtract(cv2.add(image, brighter), darker)
        return image

    def _noise(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """A random window of a pool of noise: fresh numbers would cost more than rendering.

        What it adds and what it takes away, each (H, W, 3) uint8: bytes are mixed fastest.
        """
        count = int(np.prod(shape))
        if self._pool is None or self._pool.shape[1] < 2 * count:
            draw = np.rint(self._rng.normal(0.0, self.noise_std, 2 * count))
            self._pool = np.clip([draw, -draw], 0, 255).astype(np.uint8)
        start = self._rng.integers(self._pool.shape[1] - count + 1)
        return self._pool[:, start : start + count].reshape(2, *shape)
