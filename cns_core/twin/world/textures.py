"""Textures cut from photographs that PyPI packages ship, as pyramids for minification."""

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage import data
from sklearn.datasets import load_sample_images

_MAGNIFIED = 2


@cache
def photographs() -> tuple[np.ndarray, ...]:
    """All source photographs, (H, W, 3) uint8 BGR, from scikit-image and scikit-learn."""
    rgb = [
        data.astronaut(),
        data.camera(),
        data.cat(),
        data.coffee(),
        data.coins(),
        data.grass(),
        data.gravel(),
        data.hubble_deep_field(),
        data.immunohistochemistry(),
        data.page(),
        data.stereo_motorcycle()[0],
        *load_sample_images().images,
    ]
    return tuple(
        cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR if photo.ndim == 2 else cv2.COLOR_RGB2BGR)
        for photo in rgb
    )


def photo_crop(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Cut one (height, width, 3) BGR texture from a random photograph.

    Position, rotation, mirroring, scale, polarity and tint are random: mirrored and negative copies
    have other descriptors than the original, so two faces hardly ever look alike to a matcher.
    """
    photos = photographs()
    photo = photos[rng.integers(len(photos))]
    size = np.array(photo.shape[1::-1], dtype=float)
    # Magnify where the crop would not fit; what still sticks out is filled by reflection.
    scale = max(rng.uniform(0.9, 1.4), 1.1 * max(width, height) / size.min())
    angle = rng.uniform(0, 2 * np.pi)
    mirror = rng.choice([-1.0, 1.0])
    c, s = np.cos(angle) / scale, np.sin(angle) / scale
    A = np.array([[c * mirror, -s], [s * mirror, c]])
    reach = np.abs(A) @ (width / 2, height / 2)
    centre = np.where(
        size > 2 * reach, reach + rng.random(2) * np.maximum(size - 2 * reach, 0), size / 2
    )
    offset = centre - A @ ((width - 1) / 2, (height - 1) / 2)
    crop = cv2.warpAffine(
        photo,
        np.column_stack([A, offset]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return _tint(rng, crop)


def large_print(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A (height, width, 3) BGR texture as :func:`photo_crop`, magnified: few, coarse details."""
    small = photo_crop(rng, max(width // _MAGNIFIED, 4), max(height // _MAGNIFIED, 4))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def _tint(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Bring a crop to a usable brightness and contrast, with a random colour cast and polarity."""
    negative = rng.random() < 0.3
    means, deviations = (np.ravel(part) for part in cv2.meanStdDev(image))
    mean = means.mean()
    deviation = math.sqrt((means**2 + deviations**2).mean() - mean**2)
    gain = np.clip(50.0 / max(deviation, 1.0), 0.8, 2.0) * (-1.0 if negative else 1.0)
    cast = rng.uniform(0.8, 1.2, 3)
    levels = np.arange(256)[:, None] - mean
    table = np.clip((levels * gain + rng.uniform(90, 150)) * cast, 0, 255)
    return cv2.LUT(image, table.astype(np.uint8)[:, None])


def collage(rng: np.random.Generator, size: int, patch: int = 500) -> NDArray[np.uint8]:
    """A (size, size, 3) BGR texture of overlapping crops with soft borders, for a large table."""
    canvas = cv2.resize(photo_crop(rng, patch, patch), (size, size)).astype(np.float32)
    ramp = np.clip(1.0 - np.abs(np.linspace(-1, 1, patch, dtype=np.float32)), 0, 0.25) * 4
    weight = np.minimum.outer(ramp, ramp)[..., None]
    step = int(0.6 * patch)
    corners = [
        (y, x) for y in range(-patch // 2, size, step) for x in range(-patch // 2, size, step)
    ]
    for y, x in rng.permutation(corners):
        y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + patch, size), min(x + patch, size)
        crop = photo_crop(rng, patch, patch)[y0 - y : y1 - y, x0 - x : x1 - x]
        alpha = weight[y0 - y : y1 - y, x0 - x : x1 - x]
        region = canvas[y0:y1, x0:x1]
        region += alpha * (crop - region)
    return np.clip(canvas, 0, 255).astype(np.uint8)


class Texture:
    """An image with area-filtered reductions in steps of a half octave.

    Bilinear sampling of the level whose texels are about a pixel large hardly aliases and does not
    shift the image: every level is an area average of the same extent.
    """

    LEVELS = 10

    def __init__(self, image: np.ndarray) -> None:
        self.levels = [image]
        height, width = image.shape[:2]
        for k in range(1, self.LEVELS):
            size = tuple(max(1, round(n * 2 ** (-k / 2))) for n in (width, height))
            source = self.levels[max(k - 2, 0)]
            self.levels.append(cv2.resize(source, size, interpolation=cv2.INTER_AREA))
        # Texel (i, j) of a level covers [i, i+1) / width of the face: hence the half-texel shift.
        self.to_texels = np.array(
            [
                [[level.shape[1], 0, -0.5], [0, level.shape[0], -0.5], [0, 0, 1]]
                for level in self.levels
            ],
            dtype=float,
        )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the full-size image in texels."""
        return self.levels[0].shape[1::-1]


def levels_for(texels_per_pixel: ArrayLike) -> NDArray[np.int_]:
    """(N,) index of the finest level at which a pixel spans no more than 1.4 texels."""
    level = np.ceil(2 * np.log2(np.clip(texels_per_pixel, 1e-6, 1e6)) - 1)
    return np.clip(level.astype(int), 0, Texture.LEVELS - 1)
