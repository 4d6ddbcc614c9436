"""Least squares of one patch against another: the shift between them, and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np

FIXED_MAP = 4
"""Unknowns of a fit that keeps the map between the images: shift, brightness gain and offset."""
_LEAST_GAIN = 0.05
_STIFFNESS = 1e-3
_CELLS = 3
"""A patch is cut into this many times this many cells; errors within a cell go together."""
_FLOOR_PX = 0.003
"""What interpolation leaves at least."""
_SCATTER, _PER_LEVEL = 0.72, 0.16
"""Factor on what the residuals tell, and its growth with each grey level of residual: where these
are large whole patches are off, of which the cells know nothing. Fitted to photographs and to a
scene with depth, see docs/photos.md."""


@dataclass(frozen=True)
class PatchFit:
    """Outcome of :func:`fit_patches`, one row per patch.

    Attributes:
        products: (N, M, M) of the layers with each other, summed over the patch.
        unknowns: (N, M - 1) factors of the layers.
        inverse: (N, M - 1, M - 1) of the normal matrix.
        residual: (N,) root mean square of what is left, grey levels.
    """

    products: np.ndarray
    unknowns: np.ndarray
    inverse: np.ndarray
    residual: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """(N,) of the brightness, never near zero."""
        gain = self.unknowns[:, 2]
        return np.where(np.abs(gain) > _LEAST_GAIN, gain, _LEAST_GAIN)

    @property
    def similarity(self) -> np.ndarray:
        """(N,) correlation, 0 where one patch is the negative of the other."""
        energy = self.products[:, -1, -1]
        told = (self.unknowns * self.products[:, :-1, -1]).sum(axis=1)
        share = np.minimum(told, energy) / (energy + 1e-6)
        return np.sqrt(np.maximum(share, 0.0)) * (self.unknowns[:, 2] > 0)

    @property
    def bend(self) -> np.ndarray:
        """(N, 2, 2) by which the map back to the desired image is off."""
        return (self.unknowns[:, FIXED_MAP:] / self.gain[:, None]).reshape(-1, 2, 2)

    def step(self, limit_px: float) -> np.ndarray:
        """(N, 2) px, by which the patches are to move, at most ``limit_px`` along an axis."""
        return np.clip(-self.unknowns[:, :2] / self.gain[:, None], -limit_px, limit_px)


def fit_patches(layers: np.ndarray, weighted: np.ndarray) -> PatchFit:
    """Explain current patches by desired ones that move, brightness gain and offset left free.

    Args:
        layers: (M, N, P) float32: the gradient of the desired patch along x and y, the patch
            itself, ones, then its derivatives by the four numbers of the map or none, and last
            the current patch, which a sum of the others shall explain.
        weighted: the same times the weight of each pixel, which is 1 in the mean.
    """
    products = np.empty((layers.shape[1], len(layers), len(layers)))
    for i, j in combinations_with_replacement(range(len(layers)), 2):
        products[:, i, j] = products[:, j, i] = np.einsum("np,np->n", weighted[i], layers[j])
    return _solved(products, layers.shape[2])


def with_map_kept(fit: PatchFit, pixels: int) -> PatchFit:
    """What a fit with the map left free would have been without, of patches of ``pixels``."""
    kept = np.array([*range(FIXED_MAP), -1])
    return _solved(fit.products[:, kept[:, None], kept], pixels)


def _solved(products: np.ndarray, pixels: int) -> PatchFit:
    normal, across = products[:, :-1, :-1], products[:, :-1, -1]
    inverse = np.linalg.inv(normal + _STIFFNESS * np.eye(normal.shape[1]))
    unknowns = np.einsum("nij,nj->ni", inverse, across)
    left = products[:, -1, -1] - (unknowns * across).sum(axis=1)
    return PatchFit(products, unknowns, inverse, np.sqrt(np.maximum(left, 0.0) / pixels))


def shift_deviation_px(fit: PatchFit, layers: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """(N,) standard deviation of the shift along one axis, by what the cells of a patch pull at it.

    The sandwich of Huber and White for errors that go together within a cell (Liang and Zeger,
    Biometrika 1986), as the residuals of a wrong map, of two surfaces or of a compressed image do.

    Args:
        layers, weighted: those of the fit.
    """
    residual = layers[-1].copy()
    for unknown, layer in zip(fit.unknowns.T.astype(np.float32), layers[:-1], strict=True):
        residual -= unknown[:, None] * layer
    cells = _cells(layers.shape[2])
    pulls = np.stack([(layer * residual) @ cells for layer in weighted[:-1]], axis=1)
    moved = fit.inverse[:, :2] @ pulls
    count = cells.shape[1]
    squared = np.einsum("nic,nic->n", moved, moved) / 2.0 * count / (count - FIXED_MAP)
    inflated = np.sqrt(squared) * np.hypot(1.0, _PER_LEVEL * fit.residual)
    return np.hypot(_FLOOR_PX, _SCATTER * inflated / np.abs(fit.gain))


@cache
def _cells(pixels: int) -> np.ndarray:
    """(P, C) float32, which pixels of a square patch lie in which cell."""
    side = int(np.sqrt(pixels))
    of = np.arange(side) * _CELLS // side
    cell = (_CELLS * of[:, None] + of).ravel()
    return (cell[:, None] == np.arange(_CELLS**2)).astype(np.float32)
