"""Kinematics of Universal Robots' e-Series arms from their nominal Denavit-Hartenberg parameters.

Parameters and joint-speed limits as published by Universal Robots ("DH parameters for calculations
of kinematics and dynamics" and the data sheets). A real arm's factory calibration differs from
them by millimetres in position, hardly at all in the velocities that servoing needs.

Joint angles are (6,) in rad, poses (4, 4) in m, from the arm's base to its flange.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Joints = npt.ArrayLike
Vector = tuple[float, float, float]

_POSITION_LIMIT_RAD = 2.0 * math.pi
# Rounding alone makes an arccosine near 1 an angle of up to 1e-7.
_SINGULAR_SINE = 3e-7


class _Chain(NamedTuple):
    """Six joint axes, origins of frames 0 to 6, frame 5's x and y axes; all in base axes."""

    axes: tuple[Vector, ...]
    origins: tuple[Vector, ...]
    x5: Vector
    y5: Vector


@dataclass(frozen=True)
class UrModel:
    """One arm: standard DH lengths in m and joint limits; the twists are those of every UR arm.

    ``speed_limits_rad_s`` is a tuple of six; positions are limited to +-2 pi on every joint.
    """

    name: str
    d1: float
    a2: float
    a3: float
    d4: float
    d5: float
    d6: float
    speed_limits_rad_s: tuple[float, ...]

    @property
    def position_limits_rad(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest angle of each joint, two (6,) arrays."""
        highest = np.full(6, _POSITION_LIMIT_RAD)
        return -highest, highest

    @property
    def reach_m(self) -> float:
        """Length of upper arm and forearm, the model's characteristic length."""
        return abs(self.a2) + abs(self.a3)

    def forward(self, q: Joints) -> np.ndarray:
        """(4, 4) pose of the flange in the base frame.

        Raises:
            ValueError: if ``q`` is not six finite angles.
        """
        angles = _six_angles(q)
        return _flange_pose(angles[5], self._chain(angles))

    def jacobian(self, q: Joints, T_flange_tcp: np.ndarray | None = None) -> np.ndarray:
        """(6, 6) geometric Jacobian: joint speeds to the TCP's velocity [v, w] in base axes.

        Args:
            T_flange_tcp: (4, 4) pose of the TCP on the flange; the flange itself by default.

        Raises:
            ValueError: if ``q`` is not six finite angles.
        """
        angles = _six_angles(q)
        chain = self._chain(angles)
        x, y, z = chain.origins[6]
        if T_flange_tcp is not None:
            tcp = _flange_pose(angles[5], chain) @ np.asarray(T_flange_tcp, dtype=float)[:, 3]
            x, y, z, _ = tcp.tolist()
        columns = []
        for (zx, zy, zz), (ox, oy, oz) in zip(chain.axes, chain.origins[:6], strict=True):
            rx, ry, rz = x - ox, y - oy, z - oz
            columns.append((zy * rz - zz * ry, zz * rx - zx * rz, zx * ry - zy * rx, zx, zy, zz))
        return np.array(columns).T

    def condition_number(self, q: Joints, T_flange_tcp: np.ndarray | None = None) -> float:
        """Ratio of the Jacobian's singular values, lengths measured in units of the reach.

        1 is isotropic; it grows without bound towards a singularity.
        """
        J = self.jacobian(q, T_flange_tcp)
        J[:3] /= self.reach_m
        return float(np.linalg.cond(J))

    def inverse(self, T: np.ndarray, q_near: Joints) -> np.ndarray:
        """The (6,) joint angles reaching flange pose ``T`` that are nearest to ``q_near``.

        Raises:
            ValueError: if ``T`` is out of reach, or either argument is malformed.
        """
        near = np.array(_six_angles(q_near))
        solutions = self.inverse_all(T, near)
        if not len(solutions):
            x, y, z = np.asarray(T)[:3, 3]
            raise ValueError(f"{self.name} cannot reach the pose at ({x:.4f}, {y:.4f}, {z:.4f}) m")
        return solutions[np.argmin(np.abs(solutions - near).max(axis=1))]

    def inverse_all(self, T: np.ndarray, q_near: Joints) -> np.ndarray:
        """All (n, 6) solutions, n <= 8, each joint unwound to the turn nearest to ``q_near``.

        Where wrist 2 aligns wrists 1 and 3, wrist 3 keeps its angle in ``q_near``. Closed form
        after Hawkins, "Analytic inverse kinematics for the Universal Robots UR-5/UR-10 arms"
        (2013).

        Raises:
            ValueError: if ``T`` is not a finite (4, 4) pose or ``q_near`` not six finite angles.
        """
        near = _six_angles(q_near)
        T = np.asarray(T, dtype=float)
        if T.shape != (4, 4) or not np.isfinite(T).all():
            raise ValueError(f"the pose must be finite and (4, 4), got {T.tolist()}")
        R, p = T[:3, :3], T[:3, 3]
        found: list[list[float]] = []
        for q1 in self._base_angles(R, p):
            for q5 in self._wrist2_angles(p, q1):
                q6 = self._wrist3_angle(R, q1, q5, near[5])
                found += [[q1, *planar, q5, q6] for planar in self._planar_joints(R, p, q1, q5, q6)]
        q = np.array(found).reshape(-1, 6)
        q += 2.0 * math.pi * np.round((near - q) / (2.0 * math.pi))
        q -= 2.0 * math.pi * np.sign(q) * (np.abs(q) > _POSITION_LIMIT_RAD)
        return q

    def _chain(self, angles: list[float]) -> _Chain:
        q1, q2, q3, q4, q5, _ = angles
        c1, s1, c5, s5 = math.cos(q1), math.sin(q1), math.cos(q5), math.sin(q5)
        c2, s2 = math.cos(q2), math.sin(q2)
        c23, s23 = math.cos(q2 + q3), math.sin(q2 + q3)
        c234, s234 = math.cos(q2 + q3 + q4), math.sin(q2 + q3 + q4)
        across = (s1, -c1, 0.0)
        along = (c1 * c234, s1 * c234, s234)
        z4 = (c1 * s234, s1 * s234, -c234)
        z5 = (c5 * across[0] - s5 * along[0], c5 * across[1] - s5 * along[1], -s5 * along[2])
        x5 = (c5 * along[0] + s5 * across[0], c5 * along[1] + s5 * across[1], c5 * along[2])
        o1 = (0.0, 0.0, self.d1)
        o2 = _ahead(o1, self.a2, (c1 * c2, s1 * c2, s2))
        o3 = _ahead(o2, self.a3, (c1 * c23, s1 * c23, s23))
        o4 = _ahead(o3, self.d4, across)
        o5 = _ahead(o4, self.d5, z4)
        o6 = _ahead(o5, self.d6, z5)
        axes = ((0.0, 0.0, 1.0), across, across, across, z4, z5)
        origins = ((0.0, 0.0, 0.0), o1, o2, o3, o4, o5, o6)
        return _Chain(axes, origins, x5, (-z4[0], -z4[1], -z4[2]))

    def _base_angles(self, R: np.ndarray, p: np.ndarray) -> list[float]:
        wrist_x, wrist_y = (p - self.d6 * R[:, 2])[:2]
        radius = math.hypot(wrist_x, wrist_y)
        if radius < abs(self.d4):
            return []
        middle = math.atan2(wrist_y, wrist_x) + 0.5 * math.pi
        offset = math.acos(self.d4 / radius)
        return [middle + offset, middle - offset]

    def _wrist2_angles(self, p: np.ndarray, q1: float) -> list[float]:
        cosine = (p[0] * math.sin(q1) - p[1] * math.cos(q1) - self.d4) / self.d6
        if abs(cosine) > 1.0 + 1e-9:
            return []
        angle = math.acos(max(-1.0, min(1.0, cosine)))
        return [angle, -angle]

    def _wrist3_angle(self, R: np.ndarray, q1: float, q5: float, q6_near: float) -> float:
        if abs(math.sin(q5)) < _SINGULAR_SINE:
            return q6_near
        across = np.array([math.sin(q1), -math.cos(q1), 0.0])
        sign = math.copysign(1.0, math.sin(q5))
        return math.atan2(-sign * (across @ R[:, 1]), sign * (across @ R[:, 0]))

    def _planar_joints(
        self, R: np.ndarray, p: np.ndarray, q1: float, q5: float, q6: float
    ) -> list[Vector]:
        """Shoulder, elbow and wrist 1, which move in the vertical plane turned by ``q1``."""
        x6, y6, z6 = R.T
        x5 = math.cos(q6) * x6 - math.sin(q6) * y6
        y5 = math.sin(q6) * x6 + math.cos(q6) * y6
        along = math.cos(q5) * x5 - math.sin(q5) * z6
        radial = np.array([math.cos(q1), math.sin(q1), 0.0])
        across = np.array([math.sin(q1), -math.cos(q1), 0.0])
        wrist1 = p - self.d6 * z6 + self.d5 * y5 - self.d4 * across
        x, z = radial @ wrist1, wrist1[2] - self.d1
        cosine = (x * x + z * z - self.a2**2 - self.a3**2) / (2.0 * self.a2 * self.a3)
        if abs(cosine) > 1.0 + 1e-9:
            return []
        q234 = math.atan2(along[2], radial @ along)
        elbow = math.acos(max(-1.0, min(1.0, cosine)))
        solutions: list[Vector] = []
        for q3 in (elbow, -elbow):
            bend = math.atan2(self.a3 * math.sin(q3), self.a2 + self.a3 * math.cos(q3))
            q2 = math.atan2(z, x) - bend
            solutions.append((q2, q3, q234 - q2 - q3))
        return solutions


def _six_angles(q: Joints) -> list[float]:
    angles = np.asarray(q, dtype=float)
    if angles.shape != (6,) or not math.isfinite(sum(angles.tolist())):
        raise ValueError(f"joint angles must be six finite numbers in rad, got {angles.tolist()}")
    return angles.tolist()


def _ahead(origin: Vector, length: float, direction: Vector) -> Vector:
    (x, y, z), (dx, dy, dz) = origin, direction
    return x + length * dx, y + length * dy, z + length * dz


def _flange_pose(q6: float, chain: _Chain) -> np.ndarray:
    """(4, 4) pose of the flange from the last joint's angle and ``UrModel._chain``."""
    c6, s6 = math.cos(q6), math.sin(q6)
    x6 = [c6 * x + s6 * y for x, y in zip(chain.x5, chain.y5, strict=True)]
    y6 = [c6 * y - s6 * x for x, y in zip(chain.x5, chain.y5, strict=True)]
    rows = [*zip(x6, y6, chain.axes[5], chain.origins[6], strict=True), (0.0, 0.0, 0.0, 1.0)]
    return np.array(rows)


def _deg_s(*limits: float) -> tuple[float, ...]:
    return tuple(math.radians(limit) for limit in limits)


UR_MODELS = {
    model.name: model
    for model in (
        UrModel(
            "ur3e", 0.15185, -0.24355, -0.2132, 0.13105, 0.08535, 0.0921,
            _deg_s(180, 180, 180, 360, 360, 360),
        ),
        UrModel(
            "ur5e", 0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996,
            _deg_s(180, 180, 180, 180, 180, 180),
        ),
        UrModel(
            "ur10e", 0.1807, -0.6127, -0.57155, 0.17415, 0.11985, 0.11655,
            _deg_s(120, 120, 180, 180, 180, 180),
        ),
        UrModel(
            "ur16e", 0.1807, -0.4784, -0.36, 0.17415, 0.11985, 0.11655,
            _deg_s(120, 120, 180, 180, 180, 180),
        ),
    )
}  # fmt: skip
"""The supported arms by name: d1, a2, a3, d4, d5, d6 in m, then joint-speed limits."""
