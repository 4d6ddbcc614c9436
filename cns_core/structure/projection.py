"""Projection of many points at once, with its derivatives.

Derivatives lie in memory by columns (Fortran's order), so that each operation runs over all points.
"""

from __future__ import annotations

import numpy as np

_LEAST_VARIANCE = 1e-18
NEAREST_M = 1e-3
"""Points nearer than this are behind the camera for all that follows."""

MEDIAN = 1.1774
"""Median distance of a two-dimensional Gaussian, in standard deviations."""


def project(local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project (N, 3) points in the camera frame, in m.

    Returns:
        (N, 2) points of the normalized plane and their (N, 2, 3) derivative by the point.
    """
    inverse = 1.0 / np.maximum(local[:, 2], NEAREST_M)
    image = local[:, :2] * inverse[:, None]
    by_point = np.zeros((len(local), 2, 3), order="F")
    by_point[:, 0, 0] = by_point[:, 1, 1] = inverse
    by_point[:, :, 2] = -image * inverse[:, None]
    return image, by_point


def by_twist(local: np.ndarray, by_point: np.ndarray) -> np.ndarray:
    """(N, 2, 6) derivative of a projection when its points move by ``exp(twist)`` from the left."""
    x, y, z = local.T
    result = np.empty((len(local), 2, 6), order="F")
    result[:, :, :3] = by_point
    result[:, :, 3] = by_point[:, :, 2] * y[:, None] - by_point[:, :, 1] * z[:, None]
    result[:, :, 4] = by_point[:, :, 0] * z[:, None] - by_point[:, :, 2] * x[:, None]
    result[:, :, 5] = by_point[:, :, 1] * x[:, None] - by_point[:, :, 0] * y[:, None]
    return result


def whiten(
    residual: np.ndarray, jacobian: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale (N, 2) residuals and their (N, 2, M) derivative to unit covariance.

    Args:
        covariance: (N, 2, 2), each positive definite.
    """
    # The inverse of a 2 x 2 Cholesky factor, written out: a tenth of the time of LAPACK's.
    # Rounding can make a nearly singular one indefinite.
    a = np.sqrt(np.maximum(covariance[:, 0, 0], _LEAST_VARIANCE))
    b = covariance[:, 1, 0] / a
    c = np.sqrt(np.maximum(covariance[:, 1, 1] - b**2, _LEAST_VARIANCE))
    white, scaled = np.empty_like(residual), np.empty_like(jacobian)
    white[:, 0] = residual[:, 0] / a
    white[:, 1] = (residual[:, 1] - b * white[:, 0]) / c
    scaled[:, 0] = jacobian[:, 0] / a[:, None]
    scaled[:, 1] = (jacobian[:, 1] - b[:, None] * scaled[:, 0]) / c[:, None]
    return white, scaled


def normal_equations(
    white: np.ndarray, jacobian: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(M, M) normal matrix and (M,) gradient of (N, 2) residuals with (N, 2, M) derivative.

    Args:
        weight: (N,) of the residuals.
    """
    weighted = columns(jacobian * weight[:, None, None])
    return weighted.T @ columns(jacobian), weighted.T @ white.ravel(order="F")


def columns(jacobian: np.ndarray) -> np.ndarray:
    """(2 N, M) of an (N, 2, M) derivative, those of the first axis first."""
    return jacobian.reshape(-1, jacobian.shape[2], order="F")


def median(values: np.ndarray) -> float:
    """Median of (N,) finite numbers, N at least 1; a third of the time of NumPy's."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float(0.5 * (low + high))


def lengths(vectors: np.ndarray) -> np.ndarray:
    """(N,) lengths of (N, 2) vectors."""
    x, y = vectors.T
    return np.sqrt(x * x + y * y)


def tukey(distance: np.ndarray, reach: float = 4.685) -> np.ndarray:
    """(N,) weight of Tukey's biweight for distances in standard deviations.

    The reach grows with the median, so that a fit that starts far off finds its way.
    """
    if not len(distance):
        return distance
    reach *= max(median(distance) / MEDIAN, 1.0)
    return (1.0 - np.minimum(distance / reach, 1.0) ** 2) ** 2
