"""Least squares of one patch against another: the shift between them, and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

FIXED_MAP = 3
"""Unknowns of a fit that keeps the map between the images: shift and brightness gain."""
_GAIN = 2
_LEAST_GAIN = 0.05
_STIFFNESS = 1e-3
_CELLS = 3
"""A patch is cut into this many times this many cells; errors within a cell go together."""
_ESTIMATED = 4
"""Unknowns that the residuals are short of: those of a fixed map, and the brightness offset."""
_FLOOR_PX = 0.003
"""What interpolation leaves at least."""
_SCATTER, _PER_LEVEL = 0.72, 0.16
"""Factor on what the residuals tell, and its growth with each grey level of residual: where these
are large whole patches are off, of which the cells know nothing. Fitted to photographs and to a
scene with depth, see docs/photos.md."""


@dataclass(frozen=True)
class PatchFit:
    """Outcome of :func:`fit_patches`, of N patches.

    Attributes:
        products: (M, M, N) of the layers with each other, summed over the patch.
        unknowns: (M - 1, N) factors of the layers.
        shift: (2, M - 1, N) by which the shift follows from the products with the current patch:
            the first two rows of the normal matrix's inverse.
        residual: (N,) root mean square of what is left, grey levels.
    """

    products: np.ndarray
    unknowns: np.ndarray
    shift: np.ndarray
    residual: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """(N,) of the brightness, never near zero."""
        gain = self.unknowns[_GAIN]
        return np.where(np.abs(gain) > _LEAST_GAIN, gain, _LEAST_GAIN)

    @property
    def similarity(self) -> np.ndarray:
        """(N,) correlation, 0 where one patch is the negative of the other."""
        energy = self.products[-1, -1]
        told = (self.unknowns * self.products[:-1, -1]).sum(axis=0)
        share = np.minimum(told, energy) / (energy + 1e-6)
        return np.sqrt(np.maximum(share, 0.0)) * (self.unknowns[_GAIN] > 0)

    @property
    def bend(self) -> np.ndarray:
        """(N, 2, 2) by which the map back to the desired image is off."""
        return (self.unknowns[FIXED_MAP:] / self.gain).T.reshape(-1, 2, 2)

    def step(self, limit_px: float) -> np.ndarray:
        """(N, 2) px, by which the patches are to move, at most ``limit_px`` along an axis."""
        return np.clip(-self.unknowns[:2] / self.gain, -limit_px, limit_px).T


def fit_patches(
    layers: np.ndarray, weighted: np.ndarray, before: PatchFit | None = None
) -> PatchFit:
    """Explain current patches by desired ones that move, brightness gain and offset left free.

    Args:
        layers: (M, N, P) float32, each of zero weighted mean, which leaves the offset free: the
            gradient of the desired patch along x and y, the patch itself, then its derivatives by
            the four numbers of the map or none, and last the current patch, which a sum of the
            others shall explain.
        weighted: the same times the weight of each pixel, which is 1 in the mean.
        before: a fit of the same layers, all but the desired patch; None if there was none.
    """
    of_patch = layers.transpose(1, 0, 2)
    if before is None:
        products = np.empty((len(layers), len(layers), layers.shape[1]))
        # Not all at once: a matrix times its own transpose takes NumPy four times as long.
        products[:, 1:] = (of_patch @ weighted[1:].transpose(1, 2, 0)).transpose(1, 2, 0)
        products[1:, 0] = products[0, 1:]
        products[0, 0] = np.einsum("np,np->n", layers[0], weighted[0])
    else:
        products = before.products.copy()
        products[_GAIN] = (of_patch @ weighted[_GAIN, :, :, None])[:, :, 0].T
        products[:, _GAIN] = products[_GAIN]
    return _solved(products, layers.shape[2])


def with_map_kept(fit: PatchFit, pixels: int) -> PatchFit:
    """What a fit with the map left free would have been without, of patches of ``pixels``."""
    kept = np.array([*range(FIXED_MAP), -1])
    return _solved(fit.products[kept[:, None], kept], pixels)


def _solved(products: np.ndarray, pixels: int) -> PatchFit:
    normal, across = products[:-1, :-1], products[:-1, -1]
    if len(normal) == FIXED_MAP:
        inverse = _inverse(normal)
        unknowns, shift = (inverse * across).sum(axis=1), inverse[:2]
    else:
        known = np.empty((products.shape[2], len(normal), 3))
        known[:, :, 0], known[:, :, 1:] = across.T, np.eye(len(normal), 2)
        stiff = normal.transpose(2, 0, 1) + _STIFFNESS * np.eye(len(normal))
        solved = np.linalg.solve(stiff, known).transpose(2, 1, 0)
        unknowns, shift = solved[0], solved[1:]
    left = products[-1, -1] - (unknowns * across).sum(axis=0)
    return PatchFit(products, unknowns, shift, np.sqrt(np.maximum(left, 0.0) / pixels))


def _inverse(normal: np.ndarray) -> np.ndarray:
    """(3, 3, N) inverse of symmetric matrices, written out: a tenth of the time of LAPACK's."""
    (a, b, c), (_, d, e), (_, _, f) = normal
    a, d, f = a + _STIFFNESS, d + _STIFFNESS, f + _STIFFNESS
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d
    bb, bc, cc = a * f - c * c, b * c - a * e, a * d - b * b
    scale = 1.0 / (a * aa + b * ab + c * ac)
    return np.array([[aa, ab, ac], [ab, bb, bc], [ac, bc, cc]]) * scale


def shift_deviation_px(fit: PatchFit, layers: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """(N,) standard deviation of the shift along one axis, by what the cells of a patch pull at it.

    The sandwich of Huber and White for errors that go together within a cell (Liang and Zeger,
    Biometrika 1986), as the residuals of a wrong map, of two surfaces or of a compressed image do.

    Args:
        layers, weighted: those of the fit.
    """
    cells, part = _cells(layers.shape[2]), np.empty_like(layers[-1])
    left = np.vstack([-fit.unknowns, np.ones_like(fit.residual)]).astype(np.float32)
    residual = (left.T[:, None] @ layers.transpose(1, 0, 2))[:, 0]
    moved = np.zeros((2, *cells.shape[1:], len(residual)))
    for shift, layer in zip(fit.shift.transpose(1, 0, 2), weighted[:-1], strict=True):
        pull = np.multiply(layer, residual, out=part) @ cells
        moved += shift[:, None] * pull.T
    count = cells.shape[1]
    squared = np.square(moved).sum(axis=(0, 1)) / 2.0 * count / (count - _ESTIMATED)
    inflated = np.sqrt(squared) * np.hypot(1.0, _PER_LEVEL * fit.residual)
    return np.hypot(_FLOOR_PX, _SCATTER * inflated / np.abs(fit.gain))


@cache
def _cells(pixels: int) -> np.ndarray:
    """(P, C) float32, which pixels of a square patch lie in which cell."""
    side = int(np.sqrt(pixels))
    of = np.arange(side) * _CELLS // side
    cell = (_CELLS * of[:, None] + of).ravel()
    return (cell[:, None] == np.arange(_CELLS**2)).astype(np.float32)
