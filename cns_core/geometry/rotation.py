"""Rotation vectors, many times a frame: SciPy takes several times as long."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

_NEAR_HALF_TURN = -0.9


def rotation_vector(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) axis times angle of a (3, 3) rotation matrix."""
    double = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    sine = 0.5 * math.sqrt(double @ double)
    cosine = 0.5 * (R[0, 0] + R[1, 1] + R[2, 2] - 1.0)
    if cosine < _NEAR_HALF_TURN:  # the axis drowns in rounding there
        return Rotation.from_matrix(R).as_rotvec()
    if sine < 1e-12:
        return 0.5 * double
    return (0.5 * math.atan2(sine, cosine) / sine) * double


def rotation_matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
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
