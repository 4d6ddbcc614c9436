"""Tell true matches from false ones by the geometry of two views of a rigid scene."""

import cv2
import numpy as np

MIN_VERIFIABLE = 4
_MIN_EPIPOLAR = 8
_PLANAR_SHARE = 0.9
_CONFIDENCE = 0.999
_SIMILARITY_TOLERANCE = 0.05


def verify(desired, current, tolerance):
    """Find the matches that agree on one rigid motion.

    The essential matrix (USAC/MAGSAC, Barath et al., CVPR 2020) explains every rigid scene, but
    lets a false match pass that lies on its epipolar line. At the goal, under pure rotation and in
    front of a plane it is undefined and a homography, which fixes both coordinates, explains the
    matches: it decides wherever it explains nearly as many. Too few matches fit any essential
    matrix: below eight a similarity transform with a generous tolerance stands in.

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
    agreed = _planar(desired, current, tolerance)
    if agreed.sum() < _PLANAR_SHARE * len(desired):
        epipolar = _epipolar(desired, current, tolerance)
        agreed = agreed if agreed.sum() >= _PLANAR_SHARE * epipolar.sum() else epipolar
    if agreed.sum() < _MIN_EPIPOLAR:
        return _similar(desired, current)
    return agreed


def _epipolar(desired, current, tolerance):
    _, inlier = cv2.findEssentialMat(
        desired, current, np.eye(3), cv2.USAC_MAGSAC, _CONFIDENCE, tolerance
    )
    return _as_mask(inlier, len(desired))


def _planar(desired, current, tolerance):
    _, inlier = cv2.findHomography(
        desired, current, cv2.USAC_MAGSAC, tolerance, maxIters=1000, confidence=_CONFIDENCE
    )
    return _as_mask(inlier, len(desired))


def _similar(desired, current):
    _, inlier = cv2.estimateAffinePartial2D(
        desired, current, method=cv2.RANSAC, ransacReprojThreshold=_SIMILARITY_TOLERANCE
    )
    agreed = _as_mask(inlier, len(desired))
    return agreed if agreed.sum() >= MIN_VERIFIABLE else np.zeros(len(desired), bool)


def _as_mask(inlier, count):
    """OpenCV gives None when it found no model."""
    return np.zeros(count, bool) if inlier is None else inlier.ravel().astype(bool)
