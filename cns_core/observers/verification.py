"""Tell true matches from false ones by the geometry of two views of a rigid scene."""

import cv2
import numpy as np

from cns_core.geometry.two_views import fit_essential, fit_homography

MIN_VERIFIABLE = 4
_MIN_EPIPOLAR = 8
# Not lower: what a homography misses first is the parallax that tells a turn about the scene from a
# shift.
_PLANAR_SHARE = 0.95
_SIMILARITY_TOLERANCE = 0.05


def verify(desired, current, tolerance):
    """Find the matches that agree on one rigid motion.

    The essential matrix explains every rigid scene, but lets a false match pass that lies on its
    epipolar line. At the goal, under pure rotation and in front of a plane it is undefined and a
    homography, which fixes both coordinates, explains the matches: it decides wherever it explains
    nearly as many. Too few matches fit any essential matrix: below eight a similarity transform
    with a generous tolerance stands in.

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
        return np.zeros(len(desired), bool)
    if len(desired) < _MIN_EPIPOLAR:
        return _similar(desired, current)
    _, agreed = fit_homography(desired, current, tolerance)
    if agreed.sum() < _PLANAR_SHARE * len(desired):
        _, epipolar = fit_essential(desired, current, tolerance)
        agreed = agreed if agreed.sum() >= _PLANAR_SHARE * epipolar.sum() else epipolar
    if agreed.sum() < _MIN_EPIPOLAR:
        return _similar(desired, current)
    return agreed


def _similar(desired, current):
    _, inlier = cv2.estimateAffinePartial2D(
        desired, current, method=cv2.RANSAC, ransacReprojThreshold=_SIMILARITY_TOLERANCE
    )
    if inlier is None or inlier.sum() < MIN_VERIFIABLE:
        return np.zeros(len(desired), bool)
    return inlier.ravel().astype(bool)
