"""Sub-pixel alignment of keypoint patches to the desired image."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields, replace
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cns_core.observers.patch_fit import (
    FIXED_MAP,
    fit_patches,
    shift_deviation_px,
    with_map_kept,
)
from cns_core.observers.template import Readable

_BORDER_PX = 2
"""Pixels read around a patch for the gradient in it."""
_FOURTH_ORDER = (1 / 12, -8 / 12, 0.0, 8 / 12, -1 / 12)
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
        deviation_px: (N,) standard deviation of ``pixels`` along one axis, by the residuals; NaN
            where it was not asked for.
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

    Attributes:
        template: the desired image, see :class:`.Template`.
        radius: patches are ``2 radius + 1`` pixels square.
    """

    def __init__(self, template: Readable, radius: int) -> None:
        self.radius = radius
        self.template = template
        self._grid, self._wide_grid = _grid(radius), _grid(radius + _BORDER_PX)
        side = 2 * radius + 1
        self._across, self._inside = _band(_FOURTH_ORDER, side), _band((0, 0, 1, 0, 0), side)
        window = np.exp(-0.5 * np.square(self._grid[:2] / (_WINDOW * radius)).sum(axis=0))
        self._window = (window / window.mean()).astype(np.float32)

    def reading(self, template: Readable) -> PatchAligner:
        """The same with another desired image."""
        other = copy(self)
        other.template = template
        return other

    def align(
        self,
        image: np.ndarray,
        anchors: np.ndarray,
        affine: np.ndarray,
        pixels: np.ndarray,
        steps: int = 1,
        judged: bool = True,
    ) -> Alignment:
        """Find where the desired image's patches are in the current image.

        Args:
            image: (H, W) current grey image.
            anchors: (N, 2) patch centres in the desired image, pixels.
            affine: (N, 2, 2) local map from desired to current pixels.
            pixels: (N, 2) first guess, at least ``radius`` + 1 inside the image.
            steps: Gauss-Newton steps, at least 1; one more follows with the gradient of the last.
            judged: whether to ask for the deviations as well.
        """
        centre, moved = np.rint(pixels), pixels.astype(float)
        warp, limit = (anchors, inverted(affine)), self.radius / 2
        layers = np.empty((FIXED_MAP + 1, len(pixels), self._grid.shape[1]), np.float32)
        layers[-1] = self._gather(image, centre.astype(int))
        _centre(layers[-1:])
        fit = None
        for _ in range(steps):
            self.differentiate(self._read(*warp, centre - moved, self._wide_grid), layers)
            _centre(layers[:-1])
            fit = fit_patches(layers, layers)
            moved += fit.step(limit)
        layers[2] = self._read(*warp, centre - moved, self._grid)
        _centre(layers[2:3])
        fit = fit_patches(layers, layers, fit)
        step = fit.step(limit)
        deviation_px = np.full(len(pixels), np.nan)
        if judged:
            deviation_px = shift_deviation_px(fit, layers, layers)
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
        pixels, back = found.pixels.copy(), inverted(affine)
        residual, deviation = found.residual.copy(), found.deviation_px.copy()
        k, kept = np.arange(len(pixels)), np.zeros(len(pixels))
        for n in range(_BENDS):
            layers, weighted = self._bent(image, anchors[k], back[k], pixels[k])
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
    ) -> tuple[np.ndarray, np.ndarray]:
        """(M, N, P) layers for a fit that leaves the map ``back`` to the desired image free, as
        they are and weighted."""
        centre = np.rint(pixels)
        layers = np.empty((FIXED_MAP + 5, len(pixels), self._grid.shape[1]), np.float32)
        self.differentiate(self._read(anchors, back, centre - pixels, self._wide_grid), layers)
        for n, (gradient, offset) in enumerate(product(layers[:2], self._grid[:2])):
            np.multiply(gradient, offset, out=layers[FIXED_MAP + n])
        layers[-1] = self._gather(image, centre.astype(int))
        _centre(layers, self._window)
        return layers, layers * self._window

    def _gather(self, image: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(N, P) patches around whole pixels."""
        height, width = image.shape
        side = 2 * self.radius + 1
        shape = height - side + 1, width - side + 1, side, side
        x, y = centre.T - self.radius
        return as_strided(image, shape, 2 * image.strides)[y, x].reshape(len(centre), -1)

    def _read(
        self, anchors: np.ndarray, back: np.ndarray, shift: np.ndarray, grid: np.ndarray
    ) -> np.ndarray:
        """(N, P) values of the desired image where ``grid`` around each keypoint maps to."""
        start = anchors + (back @ shift[:, :, None])[:, :, 0]
        maps = np.concatenate([back, start[:, :, None]], axis=2).transpose(1, 0, 2)
        return self.template.read(maps, grid)

    def differentiate(self, wide: np.ndarray, layers: np.ndarray) -> None:
        """Write gradient along x and y and value of (N, side^2) patches to the first three layers,
        inside the border.

        Differences of fourth order: those of second order flatten sharp texture so much that steps
        overshoot.
        """
        side, count = 2 * self.radius + 1, len(wide)
        rows = wide.reshape(count, side + 2 * _BORDER_PX, -1)
        # Products with band matrices, as cutting patches out row by row takes twice as long.
        inner = slice(_BORDER_PX, -_BORDER_PX)
        np.matmul(rows[:, inner], self._across, out=layers[0].reshape(count, side, side))
        column = (rows @ self._inside).reshape(count, -1)
        a, b, value, c, d = (
            column[:, k * side : k * side + side**2] for k in range(2 * _BORDER_PX + 1)
        )
        down = np.subtract(c, b, out=layers[1])
        down *= np.float32(8.0)
        down -= d
        down += a
        down *= np.float32(1.0 / 12.0)
        layers[2] = value


def inverted(affine: np.ndarray) -> np.ndarray:
    """(N, 2, 2) inverse of (N, 2, 2) matrices, written out: a fourth of the time of LAPACK's."""
    (a, b), (c, d) = affine.transpose(1, 2, 0)
    return (np.array([[d, -b], [-c, a]]) / (a * d - b * c)).transpose(2, 0, 1)


def determinant(affine: np.ndarray) -> np.ndarray:
    """(N,) determinants of (N, 2, 2) matrices."""
    (a, b), (c, d) = affine.transpose(1, 2, 0)
    return np.asarray(a * d - b * c)


def _grid(radius: int) -> np.ndarray:
    """(3, P) float32 offsets of the pixels of a square, and ones."""
    side = np.arange(-radius, radius + 1, dtype=np.float32)
    x, y = np.meshgrid(side, side)
    return np.stack([x, y, np.ones_like(x)]).reshape(3, -1)


def _band(values: tuple[float, ...], side: int) -> np.ndarray:
    """(side + border, side) float32 that weighs each pixel of a row and those beside it."""
    band = np.zeros((side + len(values) - 1, side), np.float32)
    for k, value in enumerate(values):
        band[np.arange(side) + k, np.arange(side)] = value
    return band


def _centre(layers: np.ndarray, weight: np.ndarray | None = None) -> None:
    """Take the mean over (M, N, P) patches from them; ``weight`` (P,) is 1 in the mean."""
    count = layers.shape[2]
    share = np.ones(count, np.float32) if weight is None else weight
    layers -= ((layers @ share) / np.float32(count))[:, :, None]
