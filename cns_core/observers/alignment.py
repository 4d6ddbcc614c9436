"""Sub-pixel alignment of keypoint patches to the desired image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from cns_core.observers.template import Readable

_BORDER_PX = 2
"""Pixels read around a patch for the gradient in it."""
_LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Alignment:
    """Result per keypoint.

    Attributes:
        pixels: (N, 2) aligned positions in the current image.
        similarity: (N,) correlation of the current patch with the desired one, 0 to 1; 0 also
            where one is the negative of the other.
        residual: (N,) root mean square of what gain and offset leave, grey levels.
        step_px: (N,) length of the last step; small where the search has settled.
    """

    pixels: np.ndarray
    similarity: np.ndarray
    residual: np.ndarray
    step_px: np.ndarray


class PatchAligner:
    """Gauss-Newton alignment of square patches, brightness gain and offset left free.

    The desired image is warped and interpolated, the current one is read at whole pixels, which
    keeps interpolation out of the live image (the search of Lucas and Kanade, see Baker and
    Matthews, IJCV 2004, with the desired image as the one that is warped).

    Args:
        template: the desired image, see :class:`.Template`.
        radius: patches are ``2 radius + 1`` pixels square.
    """

    def __init__(self, template: Readable, radius: int) -> None:
        self.radius = radius
        self._template = template
        self._grid, self._wide_grid = _grid(radius), _grid(radius + _BORDER_PX)

    def align(
        self,
        image: np.ndarray,
        anchors: np.ndarray,
        affine: np.ndarray,
        pixels: np.ndarray,
        steps: int = 1,
    ) -> Alignment:
        """Find where the desired image's patches are in the current image.

        Args:
            image: (H, W) current grey image.
            anchors: (N, 2) patch centres in the desired image, pixels.
            affine: (N, 2, 2) local map from desired to current pixels.
            pixels: (N, 2) first guess, at least ``radius`` + 1 inside the image.
            steps: Gauss-Newton steps; one more follows with the gradient of the last.
        """
        centre, moved = np.rint(pixels), pixels.astype(float)
        warp = anchors, np.linalg.inv(affine)
        layers = np.ones((5, len(pixels), self._grid.shape[1]), np.float32)
        gx, gy, desired, _, current = layers
        current[:] = _centred(self._gather(image, centre.astype(int)))
        for _ in range(steps):
            wide = self._read(*warp, centre - moved, self._wide_grid)
            gx[:], gy[:], inner = _gradient(wide, 2 * (self.radius + _BORDER_PX) + 1)
            desired[:] = _centred(inner)
            moved += self._solve(layers)[0]
        desired[:] = _centred(self._read(*warp, centre - moved, self._grid))
        step, similarity, residual = self._solve(layers)
        return Alignment(moved + step, similarity, residual, np.linalg.norm(step, axis=1))

    def _gather(self, image: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(N, P) patches around whole pixels."""
        flat = self._grid[1].astype(int) * image.shape[1] + self._grid[0].astype(int)
        start = centre[:, 1] * image.shape[1] + centre[:, 0]
        return image.ravel()[start[:, None] + flat].astype(np.float32)

    def _read(
        self, anchors: np.ndarray, back: np.ndarray, shift: np.ndarray, grid: np.ndarray
    ) -> np.ndarray:
        """(N, P) values of the desired image where ``grid`` around each keypoint maps to."""
        start = anchors + np.einsum("nij,nj->ni", back, shift)
        at = back.astype(np.float32) @ grid + start.astype(np.float32)[:, :, None]
        return self._template.read(at[:, 0], at[:, 1])

    def _solve(self, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Least squares for one step: (N, 2) step in px, (N,) correlation, (N,) residual.

        Args:
            layers: (5, N, P): the gradient of the desired patch along x and y, the patch itself,
                ones, and the current patch, which a sum of the others shall explain.
        """
        products = np.empty((layers.shape[1], 5, 5))
        for i, j in combinations_with_replacement(range(5), 2):
            products[:, i, j] = products[:, j, i] = np.einsum("np,np->n", layers[i], layers[j])
        normal, across = products[:, :4, :4] + 1e-3 * np.eye(4), products[:, :4, 4]
        solution = np.linalg.solve(normal, across[:, :, None])[:, :, 0]
        gain = solution[:, 2]
        step = -solution[:, :2] / np.where(np.abs(gain) > _LEAST_GAIN, gain, _LEAST_GAIN)[:, None]
        energy = products[:, 4, 4]
        left = np.maximum(energy - (solution * across).sum(axis=1), 0.0)
        similarity = np.sqrt(np.maximum(1.0 - left / (energy + 1e-6), 0.0)) * (gain > 0)
        limit = self.radius / 2
        return np.clip(step, -limit, limit), similarity, np.sqrt(left / layers.shape[2])


def _grid(radius: int) -> np.ndarray:
    """(2, P) float32 offsets of the pixels of a square."""
    side = np.arange(-radius, radius + 1, dtype=np.float32)
    return np.stack(np.meshgrid(side, side)).reshape(2, -1)


def _gradient(wide: np.ndarray, side: int) -> Iterator[np.ndarray]:
    """Gradient along x and y and value inside the border of (N, side^2) patches, (N, P) each.

    Differences of fourth order: those of second order flatten sharp texture so much that steps
    overshoot.
    """
    a = wide.reshape(-1, side, side)
    inner = slice(_BORDER_PX, -_BORDER_PX)
    gx = (8.0 * (a[:, inner, 3:-1] - a[:, inner, 1:-3]) - a[:, inner, 4:] + a[:, inner, :-4]) / 12
    gy = (8.0 * (a[:, 3:-1, inner] - a[:, 1:-3, inner]) - a[:, 4:, inner] + a[:, :-4, inner]) / 12
    return (part.reshape(len(wide), -1) for part in (gx, gy, a[:, inner, inner]))


def _centred(a: np.ndarray) -> np.ndarray:
    return a - a.mean(axis=1, keepdims=True)
