"""The geometry of two views, fitted robustly with MAGSAC (Barath et al., CVPR 2020)."""

import cv2
import numpy as np

_CONFIDENCE = 0.999
# OpenCV's MAGSAC takes for granted that it is given pixels: with the thousandths of the normalized
# plane it silently misses most of the matches that a homography explains, half of the time.
_TOLERANCE_PX = 2.0


def fit_essential(desired, current, tolerance):
    """Essential matrix of matches, whatever the scene.

    Args:
        desired, current: (K, 2) matched points, normalized plane; K is at least 5.
        tolerance: largest residual of a true match, normalized plane.

    Returns:
        (3, 3) matrix or None, and the (K,) bool mask of the matches that agree with it.
    """
    scale = _TOLERANCE_PX / tolerance
    E, agree = cv2.findEssentialMat(
        _scaled(desired, scale),
        _scaled(current, scale),
        np.diag([scale, scale, 1.0]),
        cv2.USAC_MAGSAC,
        _CONFIDENCE,
        _TOLERANCE_PX,
    )
    return (E if E is not None and E.shape == (3, 3) else None), _mask(agree, len(desired))


def fit_homography(desired, current, tolerance):
    """Homography of matches: of a plane, or of any scene that the camera only turned before.

    Args and Returns:
        as :func:`fit_essential`; K is at least 4.
    """
    scale = _TOLERANCE_PX / tolerance
    H, agree = cv2.findHomography(
        _scaled(desired, scale),
        _scaled(current, scale),
        cv2.USAC_MAGSAC,
        _TOLERANCE_PX,
        maxIters=1000,
        confidence=_CONFIDENCE,
    )
    if H is not None:
        H = H * np.outer([1 / scale, 1 / scale, 1], [scale, scale, 1])
    return H, _mask(agree, len(desired))


def _scaled(points, scale):
    return np.ascontiguousarray(points, dtype=float) * scale


def _mask(agree, count):
    """OpenCV gives None when it found no model."""
    return np.zeros(count, bool) if agree is None else agree.ravel().astype(bool)
