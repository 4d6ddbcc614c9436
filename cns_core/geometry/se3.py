"""Rigid motions: 4x4 homogeneous poses and twists [vx vy vz wx wy wz].

A pose ``T_ab`` maps coordinates in frame b to frame a. A twist is expressed in the moving frame,
so that a camera moves as ``T_wc <- T_wc @ exp(twist * dt)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cns_core.geometry.rotation import rotation_vector

_ROUNDING = 1e-2
_SMALL = 1e-3
"""Angle (rad) below which the series of sines and cosines are exact."""


def pose(
    rotation: Rotation | ArrayLike | None = None,
    translation: ArrayLike | Sequence[float | np.floating] = (0.0, 0.0, 0.0),
) -> NDArray[np.float64]:
    """Build a (4, 4) pose from a ``Rotation`` or (3, 3) matrix and a (3,) translation in m."""
    T = np.eye(4)
    if rotation is not None:
        T[:3, :3] = rotation.as_matrix() if isinstance(rotation, Rotation) else rotation
    T[:3, 3] = translation
    return T


def inverse(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a (4, 4) pose without a general matrix inverse."""
    R, t = T[:3, :3], T[:3, 3]
    return pose(R.T, -R.T @ t)


def rigid(T: ArrayLike) -> NDArray[np.float64]:
    """The (4, 4) pose nearest to a matrix that is one but for rounding, as single precision has it.

    Raises:
        ValueError: if it is no finite (4, 4) matrix, or no rotation to a hundredth in its corner.
    """
    T = np.asarray(T, dtype=float)
    if T.shape != (4, 4) or not np.isfinite(T).all():
        raise ValueError(f"a pose must be a finite (4, 4) matrix, got {T!r}")
    U, sizes, Vt = np.linalg.svd(T[:3, :3])
    if np.abs(sizes - 1.0).max() > _ROUNDING or np.linalg.det(U @ Vt) < 0.0:
        raise ValueError(f"the rotation of a pose must be one, got {T[:3, :3].tolist()}")
    return pose(U @ Vt, T[:3, 3])


def skew(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) matrix with ``skew(v) @ u == cross(v, u)``."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def exp(twist: ArrayLike) -> NDArray[np.float64]:
    """SE(3) exponential of a (6,) twist (times a duration) as a (4, 4) pose.

    In closed form (Barfoot 2017, Eq. 7.37 and 7.78).
    """
    moved, turned = np.asarray(twist, dtype=float).reshape(2, 3)
    sine, versine, rest = _series(turned)
    S = skew(turned)
    SS = S @ S
    T = np.eye(4)
    T[:3, :3] += sine * S + versine * SS
    T[:3, 3] = moved + (versine * S + rest * SS) @ moved
    return T


def log(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """SE(3) logarithm: the (6,) twist with ``exp(log(T)) == T``, rotation angle in [0, pi]."""
    turned = rotation_vector(T[:3, :3])
    _, versine, rest = _series(turned)
    S = skew(turned)
    by_translation = np.eye(3) + versine * S + rest * (S @ S)
    return np.concatenate([np.linalg.solve(by_translation, T[:3, 3]), turned])


def _series(turned: NDArray[np.float64]) -> tuple[float, float, float]:
    """sin(a)/a, (1 - cos(a))/a^2 and (a - sin(a))/a^3 of the angle a of a (3,) rotation vector."""
    squared = float(turned @ turned)
    angle = math.sqrt(squared)
    if angle < _SMALL:
        return 1.0 - squared / 6.0, 0.5 - squared / 24.0, (1.0 - squared / 20.0) / 6.0
    sine = math.sin(angle) / angle
    return sine, (1.0 - math.cos(angle)) / squared, (1.0 - sine) / squared


def adjoint(T_ab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(6, 6) matrix taking a twist of one rigid body from frame b to frame a, order [v, w]."""
    R, t = T_ab[:3, :3], T_ab[:3, 3]
    A = np.zeros((6, 6))
    A[:3, :3] = A[3:, 3:] = R
    A[:3, 3:] = skew(t) @ R
    return A


def rotation_error_deg(T_a: NDArray[np.float64], T_b: NDArray[np.float64]) -> float:
    """Angle in degrees between the orientations of two poses."""
    return float(np.degrees(Rotation.from_matrix(T_a[:3, :3].T @ T_b[:3, :3]).magnitude()))


def translation_error_m(T_a: NDArray[np.float64], T_b: NDArray[np.float64]) -> float:
    """Distance in metres between the origins of two poses."""
    return float(np.linalg.norm(T_a[:3, 3] - T_b[:3, 3]))


def look_at(
    eye: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 0.0, 1.0)
) -> NDArray[np.float64]:
    """Pose of a camera (z forward, x right, y down) at ``eye`` looking at ``target``, (3,) in m.

    Args:
        up: direction that appears upwards in the image; must not be parallel to the line of sight.

    Raises:
        ValueError: if the line of sight is undefined or parallel to ``up``.
    """
    eye, target, up = (np.asarray(each, dtype=float) for each in (eye, target, up))
    z = target - eye
    x = np.cross(z, up)
    if np.linalg.norm(z) < 1e-9 or np.linalg.norm(x) < 1e-9 * np.linalg.norm(z):
        raise ValueError(f"no unique camera at {eye} looking at {target} with up {up}")
    z, x = z / np.linalg.norm(z), x / np.linalg.norm(x)
    return pose(np.column_stack([x, np.cross(z, x), z]), eye)
