"""Many symmetric (3, 3) matrices at once, by their rows: a fraction of the time of small matrices.

N matrices are (6, N) with the elements xx, xy, xz, yy, yz and zz; N vectors are (3, N).
"""

from __future__ import annotations

import numpy as np

DIAGONAL = np.array([0, 3, 5])
_ROWS, _COLUMNS = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 2, 1, 2, 2])
_FULL = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


def outer(vectors: np.ndarray) -> np.ndarray:
    """(6, N) products of vectors with themselves."""
    return vectors[_ROWS] * vectors[_COLUMNS]


def full(matrices: np.ndarray) -> np.ndarray:
    """(3, 3, N) with all elements."""
    return matrices[_FULL]


def times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(3, N) products with vectors."""
    return (full(matrices) * vectors).sum(axis=1)


def along(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(N,) quadratic forms of vectors."""
    xx, xy, xz, yy, yz, zz = matrices
    x, y, z = vectors
    return x * (xx * x + 2.0 * (xy * y + xz * z)) + y * (yy * y + 2.0 * yz * z) + zz * z * z


def inverse(matrices: np.ndarray, least: float) -> np.ndarray:
    """(6, N) inverses of matrices whose eigenvalues are at least ``least``.

    By their decomposition L D L^T; what rounding leaves of D is kept positive.
    """
    xx, xy, xz, yy, yz, zz = matrices
    b, c = xy / xx, xz / xx
    d = np.maximum(yy - b * xy, least)
    e = (yz - b * xz) / d
    f = 1.0 / np.maximum(zz - c * xz - e * e * d, least)
    g, d = b * e - c, 1.0 / d
    return np.stack(
        [1.0 / xx + b * b * d + g * g * f, -b * d - e * g * f, g * f, d + e * e * f, -e * f, f]
    )
