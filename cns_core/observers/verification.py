"""Tell true matches from false ones by the geometry of two views of a rigid scene."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.geometry.left_behind import left_behind
from cns_core.geometry.two_views import epipolar_distance, fit_essential, fit_two_views
from cns_core.observers.scene_first import ALL_OVER, cells

TOLERANCE_PX = 2.0
"""Largest residual of a true match that observers allow."""
MIN_VERIFIABLE = 4
_MIN_EPIPOLAR = 8
# Not lower: what a homography misses first is the parallax that tells a turn about the scene from a
# shift.
_PLANAR_SHARE = 0.95
_SIMILARITY_TOLERANCE = 0.05


_STILL, _MOVING = 1.5, 6.0
"""In tolerances: how far a match that stays in place may be off, and what motion makes it one that
contradicts the others."""
_SURELY, _SURE_SHARE, _SURE_OF_STILL = 12, 0.25, 0.15
"""Matches that moved and agree on a motion: so many, and in such shares of those that moved and of
those that did not, are no chance."""


def verify_scene(desired: np.ndarray, current: np.ndarray, tolerance: float) -> np.ndarray:
    """As :func:`verify`, but not of what moves with the camera, be it most of the matches.

    A tool in view, its cable or dust on the lens agree on the motion of a camera that stands at its
    goal. Where the other matches agree on another motion, they are the scene.
    """
    motion = np.linalg.norm(current - desired, axis=1)
    moved = motion > _STILL * tolerance
    if moved.all() or moved.sum() < _MIN_EPIPOLAR:
        return verify(desired, current, tolerance)
    near = bool(np.median(motion[moved]) < _MOVING * tolerance)
    if near and _all_over(desired, ~moved):
        # What moved may be a thing that was put elsewhere since.
        return verify(desired, current, tolerance)
    scene = np.ones(len(desired), dtype=bool)
    scene[moved] = verify(desired[moved], current[moved], tolerance)
    if _contradicted(desired, current, moved, scene, tolerance):
        return scene & moved
    if near:
        return verify(desired, current, tolerance)
    kept = np.flatnonzero(scene)
    stuck = left_behind(desired[kept], current[kept], _STILL * tolerance, _MOVING * tolerance)
    if not stuck.any():
        return verify(desired, current, tolerance)
    scene[kept[stuck]] = False
    scene[scene] = verify(desired[scene], current[scene], tolerance)
    return scene


def _all_over(desired: np.ndarray, chosen: np.ndarray) -> bool:
    """Whether some of the matches lie all over where there are any, as hardly a tool does."""
    low, high = desired.min(axis=0), desired.max(axis=0)
    size = np.maximum(high - low, 1e-9)
    return cells(desired[chosen] - low, (size[0], size[1])) >= ALL_OVER


def _contradicted(
    desired: np.ndarray,
    current: np.ndarray,
    moved: np.ndarray,
    agreed: np.ndarray,
    tolerance: float,
) -> bool:
    """Whether the matches that moved, as far as they agree, rule out most of those that did not.

    A scene of much depth spreads so far that no simple map tells what was left behind; its epipolar
    lines do, where more agree on them than wrong matches do by chance.

    Args:
        moved, agreed: (M,) bool, which moved, and which of them agree.
    """
    told, still = moved & agreed, ~moved
    least = max(_SURELY, _SURE_SHARE * moved.sum(), _SURE_OF_STILL * still.sum())
    if told.sum() < least:
        return False
    E, _ = fit_essential(desired[told], current[told], tolerance)
    if E is None:
        return False
    off = epipolar_distance(E, desired[still], current[still]) > _STILL * tolerance
    return bool(off.mean() > 0.5)


def verify(desired: np.ndarray, current: np.ndarray, tolerance: float) -> np.ndarray:
    """Find the matches that agree on one rigid motion, see :func:`.fit_two_views`.

    Too few matches fit any essential matrix: below eight a similarity transform with a generous
    tolerance stands in.

    Args:
        desired, current: (K, 2) matched points, normalized plane, one threshold for both axes.
        tolerance: largest residual of a true match, normalized plane.

    Returns:
        (K,) bool. All False with fewer than four matches, or when fewer than that agree:
        such matches cannot be told from chance.
    """
    desired = np.ascontiguousarray(desired, dtype=float)
    current = np.ascontiguousarray(current, dtype=float)
    if len(desired) < MIN_VERIFIABLE:
        return np.zeros(len(desired), dtype=bool)
    if len(desired) < _MIN_EPIPOLAR:
        return _similar(desired, current)
    agreed = fit_two_views(desired, current, tolerance, _PLANAR_SHARE).agree
    return agreed if agreed.sum() >= _MIN_EPIPOLAR else _similar(desired, current)


def _similar(desired: np.ndarray, current: np.ndarray) -> np.ndarray:
    _, inlier = cv2.estimateAffinePartial2D(
        desired, current, method=cv2.RANSAC, ransacReprojThreshold=_SIMILARITY_TOLERANCE
    )
    if inlier is None or inlier.sum() < MIN_VERIFIABLE:
        return np.zeros(len(desired), dtype=bool)
    return inlier.ravel().astype(bool)
