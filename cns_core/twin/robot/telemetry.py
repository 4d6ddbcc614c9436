"""What the controller publishes by RTDE, by field name."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.motions import TICK_S
from cns_core.twin.robot.ports.rtde_protocol import Value, zero_fields
from cns_core.twin.robot.safety import RobotMode, SafetyMode
from cns_core.twin.robot.urscript.poses import to_pose

_POWER_ON, _PROGRAM_RUNNING = 1, 2
_STOPPED_FOR_SAFETY = 1 << 10
_SAFETY_BITS = {
    SafetyMode.NORMAL: 1,
    SafetyMode.PROTECTIVE_STOP: 1 << 2 | _STOPPED_FOR_SAFETY,
    SafetyMode.ROBOT_EMERGENCY_STOP: 1 << 6 | 1 << 7 | _STOPPED_FOR_SAFETY,
}
_RUNTIME_STOPPED, _RUNTIME_PLAYING = 1, 2


class Telemetry:
    """Field values of the present tick; joints and TCP as they were ``feedback_delay_s`` ago."""

    def __init__(self, robot: RobotController) -> None:
        self._robot = robot
        self._joints: tuple[list[float], ...] = ()
        self._tcp: NDArray[np.float64] | None = None
        self._at_tick = -1
        self.feedback_delay_s = 0.0
        self._values = zero_fields()

    def values(self) -> Mapping[str, Value]:
        """Mapping from field name to number or sequence, computed once a tick."""
        if self._at_tick != self._robot.ticks:
            self._at_tick = self._robot.ticks
            self._update_modes()
            self._update_motion()
        return self._values

    def _update_modes(self) -> None:
        robot, safety, values = self._robot, self._robot.safety, self._values
        playing = robot.program is not None
        values.update(robot.registers)
        values["timestamp"] = robot.clock_s
        values["speed_scaling"] = robot.arm.speed_scaling
        values["target_speed_fraction"] = robot.arm.speed_slider
        values["robot_mode"] = safety.robot_mode
        values["safety_mode"] = values["safety_status"] = safety.safety_mode
        values["safety_status_bits"] = _SAFETY_BITS[safety.safety_mode]
        values["runtime_state"] = _RUNTIME_PLAYING if playing else _RUNTIME_STOPPED
        values["robot_status_bits"] = (
            _POWER_ON * (safety.robot_mode > RobotMode.POWER_OFF) + _PROGRAM_RUNNING * playing
        )

    def _update_motion(self) -> None:
        arm, values = self._robot.arm, self._values
        row = self._robot.log.ticks_ago(round(self.feedback_delay_s / TICK_S))
        joints = tuple(part.tolist() for part in row)
        # At rest, which is most of the time, nothing needs to be computed again.
        if joints == self._joints and self._tcp is arm.T_flange_tcp:
            return
        self._joints, self._tcp = joints, arm.T_flange_tcp
        q, qd, tcp_velocity = joints
        values["actual_q"] = values["target_q"] = q
        values["actual_qd"] = values["target_qd"] = qd
        values["actual_TCP_speed"] = values["target_TCP_speed"] = tcp_velocity
        pose = to_pose(arm.model.forward(q) @ arm.T_flange_tcp)
        values["actual_TCP_pose"] = values["target_TCP_pose"] = pose
