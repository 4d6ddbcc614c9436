"""Sub-pixel alignment of keypoint patches to the desired image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from cns_core.observers.patch_fit import (
    FIXED_MAP,
    fit_patches,
    shift_deviation_px,
    with_map_kept,
)
from cns_core.observers.template import Readable

_BORDER_PX = 2
"""Pixels read around a patch for the gradient in it."""
_WINDOW = 0.57
"""Standard deviation of the weight of a patch whose map is refined, over the patch's radius."""
_BETTER = 0.85
"""What must be left of the residual for a refined map to be believed."""
_BENDS, _LARGEST_BEND = 2, 0.2
BEND_SHIFT_PX = 1.0
"""Most that each step of a refinement shifts a patch along an axis."""


@dataclass(frozen=True)
class Alignment:
    """Result per keypoint.

    Attributes:
        pixels: (N, 2) aligned positions in the current image.
        similarity: (N,) correlation of the current patch with the desired one, 0 to 1; 0 also
            where one is the negative of the other.
        residual: (N,) root mean square of what gain and offset leave, grey levels.
        step_px: (N,) length of the last step; small where the search has settled.
        deviation_px: (N,) standard deviation of ``pixels`` along one axis, by the residuals.
        bent: (N,) bool, whether the map was refined.
    """

    pixels: np.ndarray
    similarity: np.ndarray
    residual: np.ndarray
    step_px: np.ndarray
    deviation_px: np.ndarray
    bent: np.ndarray

    def at(self, index: np.ndarray) -> Alignment:
        """The rows at (M,) integers."""
        return Alignment(*(column[index] for column in self._columns()))

    def changed(self, index: np.ndarray, other: Alignment) -> Alignment:
        """With the rows at (M,) integers taken from another alignment's M rows."""
        columns = [column.copy() for column in self._columns()]
        for column, news in zip(columns, other._columns(), strict=True):
            column[index] = news
        return Alignment(*columns)

    def _columns(self) -> list[np.ndarray]:
        return [getattr(self, field.name) for field in fields(self)]


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
        window = np.exp(-0.5 * np.square(self._grid / (_WINDOW * radius)).sum(axis=0))
        self._window = (window / window.mean()).astype(np.float32)

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
        layers = np.ones((FIXED_MAP + 1, len(pixels), self._grid.shape[1]), np.float32)
        gx, gy, desired, _, current = layers
        current[:] = _centred(self._gather(image, centre.astype(int)))
        limit = self.radius / 2
        for _ in range(steps):
            wide = self._read(*warp, centre - moved, self._wide_grid)
            gx[:], gy[:], inner = _gradient(wide, 2 * (self.radius + _BORDER_PX) + 1)
            desired[:] = _centred(inner)
            moved += fit_patches(layers, layers).step(limit)
        desired[:] = _centred(self._read(*warp, centre - moved, self._grid))
        fit = fit_patches(layers, layers)
        step, deviation_px = fit.step(limit), shift_deviation_px(fit, layers, layers)
        length = np.linalg.norm(step, axis=1)
        bent = np.zeros(len(pixels), dtype=bool)
        return Alignment(moved + step, fit.similarity, fit.residual, length, deviation_px, bent)

    def bend(
        self, image: np.ndarray, anchors: np.ndarray, affine: np.ndarray, found: Alignment
    ) -> Alignment:
        """Align again with the map left free, and take that where it leaves much less.

        Neighbours on another surface give a keypoint a wrong map, and what that does to a patch
        looks to the least squares like a shift. Where nothing is wrong four more unknowns would
        only add to the noise. The middle of the patch counts most: it is the keypoint's own.

        Args:
            image, anchors, affine: as of :meth:`align`, which has given ``found``.
        """
        pixels, back = found.pixels.copy(), np.linalg.inv(affine)
        residual, deviation = found.residual.copy(), found.deviation_px.copy()
        k, kept = np.arange(len(pixels)), np.zeros(len(pixels))
        for n in range(_BENDS):
            layers = self._bent(image, anchors[k], back[k], pixels[k])
            weighted = layers * self._window
            fit = fit_patches(layers, weighted)
            if n == 0:
                kept = with_map_kept(fit, layers.shape[2]).residual
            better = np.flatnonzero(fit.residual < _BETTER * kept[k])
            if n == _BENDS - 1:
                deviation[k] = shift_deviation_px(fit, layers, weighted)
            k, bend = k[better], np.clip(fit.bend[better], -_LARGEST_BEND, _LARGEST_BEND)
            pixels[k] += fit.step(BEND_SHIFT_PX)[better]
            residual[k] = fit.residual[better]
            back[k] = back[k] @ (np.eye(2) + bend)
            if not len(k):
                return found
        free = replace(found, pixels=pixels, residual=residual, deviation_px=deviation)
        return found.changed(k, replace(free.at(k), bent=np.ones(len(k), dtype=bool)))

    def _bent(
        self, image: np.ndarray, anchors: np.ndarray, back: np.ndarray, pixels: np.ndarray
    ) -> np.ndarray:
        """(M, N, P) layers for a fit that leaves the map ``back`` to the desired image free."""
        centre = np.rint(pixels)
        layers = np.ones((FIXED_MAP + 5, len(pixels), self._grid.shape[1]), np.float32)
        wide = self._read(anchors, back, centre - pixels, self._wide_grid)
        gx, gy, inner = _gradient(wide, 2 * (self.radius + _BORDER_PX) + 1)
        x, y = self._grid
        layers[:3] = gx, gy, _centred(inner)
        layers[FIXED_MAP:-1] = gx * x, gx * y, gy * x, gy * y
        layers[-1] = _centred(self._gather(image, centre.astype(int)))
        return layers

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
