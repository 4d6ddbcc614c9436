"""The geometry of two views, fitted robustly with MAGSAC (Barath et al., CVPR 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.geometry.homogeneous import homogeneous

_CONFIDENCE = 0.999
# OpenCV's MAGSAC takes for granted that it is given pixels: with the thousandths of the normalized
# plane it silently misses most of the matches that a homography explains, half of the time.
_SCALED_TOLERANCE = 2.0


@dataclass(frozen=True, eq=False)
class TwoViews:
    """What explains the matches of two views: one of the two matrices, or neither.

    Attributes:
        homography, essential: (3, 3) matrix or None.
        agree: (K,) bool, the matches that agree with it.
    """

    homography: np.ndarray | None
    essential: np.ndarray | None
    agree: np.ndarray


def fit_two_views(
    desired: np.ndarray, current: np.ndarray, tolerance: float, planar_share: float
) -> TwoViews:
    """The simplest geometry that explains matches.

    The essential matrix explains every rigid scene, but lets a false match pass that lies on its
    epipolar line. Without translation and in front of a plane it is undefined and a homography,
    which fixes both coordinates, explains the matches: it decides wherever it explains nearly as
    many.

    Args:
        desired, current: (K, 2) matched points, normalized plane; K is at least 5.
        tolerance: largest residual of a true match, normalized plane.
        planar_share: matches that the homography must explain over those that the essential matrix
            does.
    """
    homography, planar = fit_homography(desired, current, tolerance)
    if planar.sum() >= planar_share * len(desired):
        return TwoViews(homography, None, planar)
    essential, epipolar = fit_essential(desired, current, tolerance)
    if planar.sum() >= planar_share * epipolar.sum():
        return TwoViews(homography, None, planar)
    return TwoViews(None, essential, epipolar)


def fit_essential(
    desired: np.ndarray, current: np.ndarray, tolerance: float
) -> tuple[np.ndarray | None, np.ndarray]:
    """Essential matrix of matches, whatever the scene.

    Args:
        desired, current: (K, 2) matched points, normalized plane; K is at least 5.
        tolerance: largest residual of a true match, normalized plane.

    Returns:
        (3, 3) matrix or None, and the (K,) bool mask of the matches that agree with it: none where
        there is no matrix.
    """
    scale = _SCALED_TOLERANCE / tolerance
    E, agree = cv2.findEssentialMat(
        _scaled(desired, scale),
        _scaled(current, scale),
        np.diag([scale, scale, 1.0]),
        cv2.USAC_MAGSAC,
        _CONFIDENCE,
        _SCALED_TOLERANCE,
    )
    if E is None or E.shape != (3, 3):
        return None, np.zeros(len(desired), dtype=bool)
    return E, agree.ravel().astype(bool)


def fit_homography(
    desired: np.ndarray, current: np.ndarray, tolerance: float
) -> tuple[np.ndarray | None, np.ndarray]:
    """Homography of matches: of a plane, or of any scene that the camera only turned before.

    Args and Returns:
        as :func:`fit_essential`; K is at least 4.
    """
    scale = _SCALED_TOLERANCE / tolerance
    H, agree = cv2.findHomography(
        _scaled(desired, scale),
        _scaled(current, scale),
        cv2.USAC_MAGSAC,
        _SCALED_TOLERANCE,
        maxIters=1000,
        confidence=_CONFIDENCE,
    )
    if H is None:
        return None, np.zeros(len(desired), dtype=bool)
    unscale = np.outer([1 / scale, 1 / scale, 1], [scale, scale, 1])
    return H * unscale, agree.ravel().astype(bool)


def epipolar_distance(E: np.ndarray, desired: np.ndarray, current: np.ndarray) -> np.ndarray:
    """(K,) Sampson distance of matches to an essential matrix, normalized plane."""
    x, y = (homogeneous(points) for points in (desired, current))
    line_y, line_x = x @ E.T, y @ E
    gradient = np.hypot(np.hypot(*line_y[:, :2].T), np.hypot(*line_x[:, :2].T))
    return np.abs((y * line_y).sum(axis=1)) / np.maximum(gradient, 1e-12)


def _scaled(points: np.ndarray, scale: float) -> np.ndarray:
    return np.ascontiguousarray(points, dtype=float) * scale
