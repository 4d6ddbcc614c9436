"""The arm's joints, moved tick by tick by one motion after another.

The arm follows a motion exactly, as a stiff position-controlled arm does to first order. Before
every tick it checks the joint-speed and joint-position limits, the latter with the distance it
needs to stop.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.arm.ur_kinematics import UrModel
from cns_core.geometry import se3
from cns_core.twin.robot.motions import (
    FORCED_STOP_RAD_S2,
    TICK_S,
    ForcedStop,
    JointMotion,
    SafetyViolation,
)


class SimulatedArm:
    """Joint angles ``q`` and velocities ``qd`` of one arm, its TCP and its current motion.

    Attributes:
        speed_slider: share of every speed that the pendant's slider leaves, above 0 to 1.
        speed_scaling: share that the controller itself leaves of it, where it has to slow down.
    """

    def __init__(self, model: UrModel, q: ArrayLike) -> None:
        self.model = model
        self.q = np.array(q, dtype=float)
        self.qd = np.zeros(6)
        self._T_flange_tcp = np.eye(4)
        self.motion: JointMotion | None = None
        self.speed_slider = self.speed_scaling = 1.0
        self._lowest, self._highest = model.position_limits_rad
        self._speed_limits = np.array(model.speed_limits_rad_s)
        self._J: NDArray[np.float64] | None = None

    @property
    def T_flange_tcp(self) -> NDArray[np.float64]:
        """(4, 4) pose of the TCP on the flange."""
        return self._T_flange_tcp

    @T_flange_tcp.setter
    def T_flange_tcp(self, T: NDArray[np.float64]) -> None:
        self._T_flange_tcp, self._J = T, None

    @property
    def speed_fraction(self) -> float:
        """What is left of the speed that a program asks for."""
        return self.speed_slider * self.speed_scaling

    def tick(self) -> None:
        """Move for one tick.

        Raises:
            SafetyViolation: if the motion would break a limit; the arm has then not moved.
        """
        if self.motion is None:
            return
        try:
            qd = self.motion.velocity(self)
        except np.linalg.LinAlgError as error:
            raise SafetyViolation("the arm is at a singularity") from error
        if not isinstance(self.motion, ForcedStop):
            self._check(qd)
        self.qd = qd
        if qd.any():
            self.q, self._J = self.q + TICK_S * qd, None
        if self.motion.finished:
            self.motion, self.qd = None, np.zeros(6)

    def forced_stop(self) -> None:
        """Stop all joints together, whatever the arm is doing."""
        if self.motion is not None and not isinstance(self.motion, ForcedStop):
            self.motion = ForcedStop()

    def jacobian(self) -> NDArray[np.float64]:
        """(6, 6) from joint velocities to the TCP's velocity [v, w] in base axes."""
        if self._J is None:
            self._J = self.model.jacobian(self.q, self.T_flange_tcp)
        return self._J

    def tcp_velocity(self) -> NDArray[np.float64]:
        """(6,) velocity of the TCP [v, w] in base axes, m/s and rad/s."""
        return self.jacobian() @ self.qd if self.qd.any() else np.zeros(6)

    def flange_pose(self) -> NDArray[np.float64]:
        """(4, 4) pose of the flange in the base frame."""
        return self.model.forward(self.q)

    def tcp_pose(self) -> NDArray[np.float64]:
        """(4, 4) pose of the TCP in the base frame."""
        return self.flange_pose() @ self.T_flange_tcp

    def joints_at(
        self, T_base_tcp: NDArray[np.float64], q_near: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Joint angles that bring the TCP to a pose; ValueError if it is out of reach."""
        T = T_base_tcp @ se3.inverse(self.T_flange_tcp)
        return self.model.inverse(T, self.q if q_near is None else q_near)

    def _check(self, qd: NDArray[np.float64]) -> None:
        if (np.abs(qd) > self._speed_limits).any():
            raise SafetyViolation(f"joint speeds {np.round(qd, 2).tolist()} rad/s")
        stopping_at = self.q + 0.5 * qd * np.abs(qd) / FORCED_STOP_RAD_S2
        if (stopping_at < self._lowest).any() or (stopping_at > self._highest).any():
            raise SafetyViolation(f"joint angles {np.round(self.q, 2).tolist()} rad")
