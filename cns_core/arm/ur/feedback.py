"""What the arm tells about itself, and whether that is still true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cns_core.arm.link import LinkLost
from cns_core.lag import Lag

_FIELDS = [
    "timestamp",
    "actual_q",
    "actual_qd",
    "actual_TCP_pose",
    "robot_mode",
    "safety_mode",
    "runtime_state",
    "speed_scaling",
    "target_speed_fraction",
]
_ROBOT_MODES = {
    -1: "no controller",
    0: "disconnected from its controller",
    1: "waiting for its safety configuration to be confirmed",
    2: "booting",
    3: "powered off",
    4: "powered on with the brakes closed",
    5: "idle with the brakes closed",
    6: "being moved by hand",
    7: "running",
    8: "updating its firmware",
}
_SAFETY_MODES = {
    1: "normal",
    2: "reduced",
    3: "protective stop",
    4: "recovery",
    5: "safeguard stop",
    6: "system emergency stop",
    7: "robot emergency stop",
    8: "safety violation",
    9: "safety fault",
    10: "safety mode to be validated",
    11: "safety mode undefined",
}
_RUNNING = 7
_NORMAL, _REDUCED = 1, 2
_PLAYING = 2


@dataclass(frozen=True)
class Feedback:
    """One state of the arm: joints in rad and rad/s, TCP pose [x y z rx ry rz], modes, lag in s.

    ``speed_scaling`` is what the controller makes of every speed: the pendant's slider times its
    own slow-down, which RTDE tells in two fields. ``measured_at`` is on ``time.monotonic()``.
    """

    q: np.ndarray
    qd: np.ndarray
    tcp_pose: np.ndarray
    robot_mode: int
    safety_mode: int
    runtime_state: int
    speed_scaling: float
    lag_s: float
    measured_at: float

    @property
    def safety_stop(self) -> str:
        """Name of the safety stop in effect, empty for none."""
        if self.safety_mode in (_NORMAL, _REDUCED):
            return ""
        return _SAFETY_MODES.get(self.safety_mode, f"safety mode {self.safety_mode}")

    @property
    def not_running(self) -> str:
        """Why the arm cannot move though no safety stop is in effect, empty if it can."""
        if self.robot_mode == _RUNNING:
            return ""
        return f"the robot is {_ROBOT_MODES.get(self.robot_mode, f'in mode {self.robot_mode}')}"

    @property
    def program_plays(self) -> bool:
        """Whether a program is playing on the controller."""
        return self.runtime_state == _PLAYING


class Receiver:
    """Reads the arm's newest state from ur-rtde's receive interface.

    Args:
        host: address of the controller.
        frequency_hz: packages per second.

    Raises:
        RuntimeError: if the controller refuses the connection.
    """

    def __init__(self, host: str, frequency_hz: float):
        # Here, because only the worker process needs the native library.
        from rtde_receive import RTDEReceiveInterface

        self._rtde = RTDEReceiveInterface(host, frequency_hz, _FIELDS)
        self._lag = Lag()

    def read(self, now: float, timeout_s: float) -> Feedback:
        """The newest :class:`Feedback`.

        Raises:
            LinkLost: if the connection is closed or the state is older than ``timeout_s``.
        """
        if not self._rtde.isConnected():
            raise LinkLost("connection lost: the RTDE socket is closed")
        lag_s = self._lag.measure(self._rtde.getTimestamp(), now)
        if not lag_s <= timeout_s:
            raise LinkLost(
                f"connection lost: the arm's state is {lag_s:.3f} s old, allowed {timeout_s} s"
            )
        feedback = Feedback(
            q=np.array(self._rtde.getActualQ()),
            qd=np.array(self._rtde.getActualQd()),
            tcp_pose=np.array(self._rtde.getActualTCPPose()),
            robot_mode=self._rtde.getRobotMode(),
            safety_mode=self._rtde.getSafetyMode(),
            runtime_state=self._rtde.getRuntimeState(),
            speed_scaling=self._rtde.getSpeedScalingCombined(),
            lag_s=lag_s,
            measured_at=now - lag_s,
        )
        joints = np.concatenate([feedback.q, feedback.qd, feedback.tcp_pose])
        if joints.shape != (18,) or not np.isfinite(joints).all():
            raise LinkLost(f"connection lost: malformed joint state {joints.tolist()}")
        return feedback

    def close(self) -> None:
        """Hang up."""
        self._rtde.disconnect()
