"""Rotation vectors and motions of twists, many times a frame: SciPy takes a multiple of this."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from cns_core.geometry.se3 import skew

_NEAR_HALF_TURN = -0.9
_SMALL = 1e-3
"""Angle below which the series are exact."""


def rotation_vector(R: np.ndarray) -> np.ndarray:
    """(3,) axis times angle of a (3, 3) rotation matrix."""
    double = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    sine = 0.5 * math.sqrt(double @ double)
    cosine = 0.5 * (R[0, 0] + R[1, 1] + R[2, 2] - 1.0)
    if cosine < _NEAR_HALF_TURN:  # the axis drowns in rounding there
        return Rotation.from_matrix(R).as_rotvec()
    if sine < 1e-12:
        return 0.5 * double
    return (0.5 * math.atan2(sine, cosine) / sine) * double


def rotation_matrices(vectors: np.ndarray) -> np.ndarray:
    """(K, 3, 3) rotation matrices of (K, 3) rotation vectors (Rodrigues' formula)."""
    rows = np.asarray(vectors).T
    squared = (rows * rows).sum(axis=0)
    angle = np.sqrt(squared)
    half = np.sinc(angle / (2.0 * np.pi))
    (x, y, z), (a, b, c) = rows, np.sinc(angle / np.pi) * rows
    by_x, by_y, by_z = 0.5 * half * half * rows
    cosine = 1.0 - 0.5 * half * half * squared
    matrices = np.array(
        [
            [cosine + by_x * x, by_x * y - c, by_x * z + b],
            [by_x * y + c, cosine + by_y * y, by_y * z - a],
            [by_x * z - b, by_y * z + a, cosine + by_z * z],
        ]
    )
    return matrices.transpose(2, 0, 1)


def exp(twist: ArrayLike) -> np.ndarray:
    """(4, 4) as :func:`cns_core.geometry.se3.exp`."""
    moved, turned = np.asarray(twist, dtype=float).reshape(2, 3)
    sine, versine, rest = _series(turned)
    S = skew(turned)
    SS = S @ S
    T = np.eye(4)
    T[:3, :3] += sine * S + versine * SS
    T[:3, 3] = moved + (versine * S + rest * SS) @ moved
    return T


def log(T: np.ndarray) -> np.ndarray:
    """(6,) as :func:`cns_core.geometry.se3.log`."""
    turned = rotation_vector(T[:3, :3])
    _, versine, rest = _series(turned)
    S = skew(turned)
    by_translation = np.eye(3) + versine * S + rest * (S @ S)
    return np.concatenate([np.linalg.solve(by_translation, T[:3, 3]), turned])


def _series(turned: np.ndarray) -> tuple[float, float, float]:
    """sin(a)/a, (1 - cos(a))/a^2 and (a - sin(a))/a^3 of the angle a of a (3,) rotation vector."""
    squared = float(turned @ turned)
    angle = math.sqrt(squared)
    if angle < _SMALL:
        return 1.0 - squared / 6.0, 0.5 - squared / 24.0, (1.0 - squared / 20.0) / 6.0
    sine = math.sin(angle) / angle
    return sine, (1.0 - math.cos(angle)) / squared, (1.0 - sine) / squared
