"""URScript's poses, and the functions that compute with them and with the arm's kinematics.

Their names and parameters are URScript's.
"""

from collections.abc import Sequence
from typing import SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.twin.robot.simulated_arm import SimulatedArm


class Pose(list[float]):
    """URScript's ``p[x, y, z, rx, ry, rz]``: metres and a rotation vector."""


def to_matrix(pose: Sequence[SupportsFloat | SupportsIndex]) -> NDArray[np.float64]:
    """(4, 4) of a pose ``p[x, y, z, rx, ry, rz]``; ValueError unless six finite numbers."""
    values = np.array(pose, dtype=float)
    if values.shape != (6,) or not np.isfinite(values).all():
        raise ValueError(f"a pose must be six finite numbers, got {list(pose)}")
    return se3.pose(Rotation.from_rotvec(values[3:]), values[:3])


def to_pose(T: NDArray[np.float64]) -> Pose:
    """The :class:`Pose` of a (4, 4) matrix."""
    return Pose([*T[:3, 3].tolist(), *Rotation.from_matrix(T[:3, :3]).as_rotvec().tolist()])


class PoseBuiltins:
    """Where the arm is, and where it would be; every public method is a function of scripts."""

    def __init__(self, arm: SimulatedArm) -> None:
        self._arm = arm

    def get_actual_tcp_pose(self) -> Pose:
        return to_pose(self._arm.tcp_pose())

    def get_actual_tool_flange_pose(self) -> Pose:
        return to_pose(self._arm.flange_pose())

    def get_actual_joint_positions(self) -> list[float]:
        return self._arm.q.tolist()

    def get_target_tcp_speed(self) -> list[float]:
        return self._arm.tcp_velocity().tolist()

    def get_target_waypoint(self) -> Pose:
        return to_pose(self._arm.tcp_pose())

    def get_tcp_offset(self) -> Pose:
        return to_pose(self._arm.T_flange_tcp)

    def set_tcp(self, pose: Pose) -> None:
        self._arm.T_flange_tcp = to_matrix(pose)

    def get_forward_kin(self, q: ArrayLike | None = None, tcp: Pose | None = None) -> Pose:
        T_flange_tcp = self._arm.T_flange_tcp if tcp is None else to_matrix(tcp)
        return to_pose(self._arm.model.forward(self._arm.q if q is None else q) @ T_flange_tcp)

    def get_inverse_kin(
        self,
        x: Pose,
        qnear: ArrayLike | None = None,
        maxPositionError: float = 1e-10,
        maxOrientationError: float = 1e-10,
    ) -> list[float]:
        return self._arm.joints_at(to_matrix(x), qnear).tolist()

    def get_inverse_kin_has_solution(
        self, x: Pose, qnear: ArrayLike | None = None, *tolerances: float
    ) -> bool:
        try:
            self.get_inverse_kin(x, qnear)
        except ValueError:
            return False
        return True

    def is_within_safety_limits(self, target: Pose | list[float]) -> bool:
        if isinstance(target, Pose):
            return self.get_inverse_kin_has_solution(target)
        lowest, highest = self._arm.model.position_limits_rad
        return bool((lowest <= target).all() and (target <= highest).all())

    def is_steady(self) -> bool:
        return not self._arm.qd.any()

    def pose_trans(self, p_from: Pose, p_from_to: Pose) -> Pose:
        return to_pose(to_matrix(p_from) @ to_matrix(p_from_to))

    def pose_sub(self, p_to: Pose, p_from: Pose) -> Pose:
        T_to, T_from = to_matrix(p_to), to_matrix(p_from)
        turn = T_to[:3, :3] @ T_from[:3, :3].T
        return to_pose(se3.pose(turn, T_to[:3, 3] - T_from[:3, 3]))
