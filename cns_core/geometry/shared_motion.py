"""How far points go along with those around them, told from motions of parts of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_FEWEST = 8
"""Points that move, below which they say nothing about the others."""
_NEIGHBOURS = 5
_FEW, _ALONG, _TELLING = 0.05, 0.5, 0.5
"""Share of the points that move, all but which must go half as far as their common map says for it
to tell anything of others; and where that motion, over its median, is long enough."""


def shares_of_motion(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    asked: NDArray[np.float64],
    found: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far points go along with those around them that are known to move.

    Motions may be as small as noise lets them agree. Where a point should be is told by an affine
    map of those that move and by how far their neighbours are off it: parallax bends the motion of
    a scene. Nothing is said where those that move do not bear out each other.

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
    affine = _affine(before, after)
    bent = after - _homogeneous(before) @ affine
    own = _expected(affine, bent, before, before, 1)
    least = _TELLING * float(np.median(np.linalg.norm(own, axis=1)))
    telling = np.linalg.norm(own, axis=1) > least
    along = _along(after - before, own)[telling]
    if not len(along) or np.quantile(along, _FEW) < _ALONG:
        return nothing, nothing
    expected = _expected(affine, bent, before, asked, 0)
    length = np.linalg.norm(expected, axis=1)
    share = np.linalg.norm(found - asked, axis=1) / np.maximum(length, 1e-9)
    said = length > least
    along = _along(found - asked, expected)
    return np.where(said, along, np.nan), np.where(said, share, np.nan)


def _affine(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 2) least squares, without the few that are farthest off."""
    design, keep = _homogeneous(before), np.ones(len(before), dtype=bool)
    for _ in range(2):
        affine = np.linalg.lstsq(design[keep], after[keep], rcond=None)[0]
        off = np.linalg.norm(after - design @ affine, axis=1)
        keep = off <= np.quantile(off, 1.0 - 2.0 * _FEW)
    return np.asarray(affine)


def _expected(
    affine: NDArray[np.float64],
    bent: NDArray[np.float64],
    before: NDArray[np.float64],
    asked: NDArray[np.float64],
    skipped: int,
) -> NDArray[np.float64]:
    """(N, 2) motion of the points asked for, without their ``skipped`` nearest neighbours."""
    nearest = cKDTree(before).query(asked, _NEIGHBOURS + skipped)[1][:, skipped:]
    moved = _homogeneous(asked) @ affine - asked
    return np.asarray(moved + np.median(bent[nearest], axis=1))


def _homogeneous(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([points, np.ones(len(points))])


def _along(motion: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) component of each motion along the other, over the other."""
    return np.asarray((motion * other).sum(axis=1) / np.maximum((other * other).sum(axis=1), 1e-18))
