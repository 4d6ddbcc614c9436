"""How far points go along with those around them, told from motions of parts of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cns_core.geometry.homogeneous import homogeneous

_FEWEST = 8
"""Points that move, below which they say nothing about the others."""
_NEIGHBOURS = 5
GOES, STAYS = 0.5, 0.25
"""Motion over the expected one, of a point that goes along at least and of one that stays at most.
"""
_ODD, _BETWEEN = 0.2, 0.05
"""Most of the points that move that may not go along (something else has been taken for them), and
that may do neither: where more do, noise or parallax decides."""
_TELLING = 0.5
"""Motion over its median from which on it is long enough to tell anything."""


def shares_of_motion(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    asked: NDArray[np.float64],
    found: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far points go along with those around them that are known to move.

    Motions may be as small as noise lets them agree. Where a point should be is told by an affine
    map of those that move and by how far their neighbours are off it: parallax bends the motion of
    a scene. Nothing is said where those that move do not bear out each other, but for some that
    stay where they are: what was matched elsewhere before may be.

    Args:
        before, after: (M, 2) points known to move.
        asked, found: (N, 2) before and after, points to be judged.

    Returns:
        Two (N,) arrays, both over the length of the expected motion, nan where nothing can be said:
        of the motion what is along the expected one, 1 for what goes along, and its whole length,
        0 for what is fixed to the camera.
    """
    nothing = np.full(len(asked), np.nan)
    if len(before) < _FEWEST:
        return nothing, nothing
    affine, bent = _fit(before, after)
    own = _expected(affine, bent, before, before, 1)
    least = _TELLING * float(np.median(np.linalg.norm(own, axis=1)))
    telling = np.linalg.norm(own, axis=1) > least
    along = _along(after - before, own)
    goes, stays = along[telling] > GOES, along[telling] < STAYS
    if not len(goes) or goes.mean() < 1.0 - _ODD or (~goes & ~stays).mean() > _BETWEEN:
        return nothing, nothing
    true = ~telling | (along > GOES)
    affine, bent = _fit(before[true], after[true])
    expected = _expected(affine, bent, before[true], asked, 0)
    length = np.linalg.norm(expected, axis=1)
    share = np.linalg.norm(found - asked, axis=1) / np.maximum(length, 1e-9)
    said = length > least
    along = _along(found - asked, expected)
    return np.where(said, along, np.nan), np.where(said, share, np.nan)


def _fit(
    before: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3, 2) affine map, least squares without those farthest off; (M, 2) how far all are off."""
    design, keep = homogeneous(before), np.ones(len(before), dtype=bool)
    for _ in range(3):
        affine = np.linalg.lstsq(design[keep], after[keep], rcond=None)[0]
        off = after - design @ affine
        distance = np.linalg.norm(off, axis=1)
        keep = distance <= np.quantile(distance, 1.0 - _ODD)
    return np.asarray(affine), np.asarray(off)


def _expected(
    affine: NDArray[np.float64],
    bent: NDArray[np.float64],
    before: NDArray[np.float64],
    asked: NDArray[np.float64],
    skipped: int,
) -> NDArray[np.float64]:
    """(N, 2) motion of the points asked for, without their ``skipped`` nearest neighbours."""
    nearest = cKDTree(before).query(asked, _NEIGHBOURS + skipped)[1][:, skipped:]
    moved = homogeneous(asked) @ affine - asked
    return np.asarray(moved + np.median(bent[nearest], axis=1))


def _along(motion: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) component of each motion along the other, over the other."""
    return np.asarray((motion * other).sum(axis=1) / np.maximum((other * other).sum(axis=1), 1e-18))
