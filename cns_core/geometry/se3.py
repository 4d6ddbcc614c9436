"""Rigid motions: 4x4 homogeneous poses and twists [vx vy vz wx wy wz].

A pose ``T_ab`` maps coordinates in frame b to frame a. A twist is expressed in the moving frame,
so that a camera moves as ``T_wc <- T_wc @ exp(twist * dt)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation


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


def skew(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) matrix with ``skew(v) @ u == cross(v, u)``."""
    x, y, z = v
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _left_jacobian(rotvec: NDArray[np.float64]) -> NDArray[np.float64]:
    """SO(3) left Jacobian V: ``exp([v, w])`` translates by ``V @ v`` (Barfoot 2017, Eq. 7.37)."""
    angle = np.linalg.norm(rotvec)
    S = skew(rotvec)
    if angle < 1e-6:
        return np.eye(3) + 0.5 * S + S @ S / 6.0
    a = (1.0 - np.cos(angle)) / angle**2
    b = (angle - np.sin(angle)) / angle**3
    return np.eye(3) + a * S + b * S @ S


def exp(twist: ArrayLike) -> NDArray[np.float64]:
    """SE(3) exponential of a (6,) twist (times a duration) as a (4, 4) pose."""
    v, w = np.split(np.asarray(twist, dtype=float), 2)
    return pose(Rotation.from_rotvec(w), _left_jacobian(w) @ v)


def log(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """SE(3) logarithm: the (6,) twist with ``exp(log(T)) == T``, rotation angle in [0, pi]."""
    rotvec = Rotation.from_matrix(T[:3, :3]).as_rotvec()
    return np.concatenate([np.linalg.solve(_left_jacobian(rotvec), T[:3, 3]), rotvec])


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
