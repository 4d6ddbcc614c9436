"""URScript's built-in functions, as far as servoing, moving and asking for poses needs them.

Functions that take time are generator functions and listed in ``BLOCKING``. What is not here ends
the program with an error that names it.
"""

import logging
import math

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.twin.robot import motions
from cns_core.twin.robot.motions import TICK_S
from cns_core.twin.robot.urscript.words import ScriptError

BLOCKING = frozenset(
    ("sync", "sleep", "movej", "movel", "speedj", "speedl", "servoj", "stopj", "stopl")
)
_SETTINGS_WITHOUT_EFFECT = (
    "force_mode_set_damping",
    "force_mode_set_gain_scaling",
    "set_gravity",
    "set_payload",
    "set_target_payload",
    "zero_ftsensor",
)
_log = logging.getLogger(__name__)


class Pose(list):
    """URScript's ``p[x, y, z, rx, ry, rz]``: metres and a rotation vector."""


def to_matrix(pose):
    """(4, 4) of a pose ``p[x, y, z, rx, ry, rz]``; ValueError unless six finite numbers."""
    values = np.array(pose, dtype=float)
    if values.shape != (6,) or not np.isfinite(values).all():
        raise ValueError(f"a pose must be six finite numbers, got {list(pose)}")
    return se3.pose(Rotation.from_rotvec(values[3:]), values[:3])


def to_pose(T):
    """The :class:`Pose` of a (4, 4) matrix."""
    return Pose([*T[:3, 3].tolist(), *Rotation.from_matrix(T[:3, :3]).as_rotvec().tolist()])


class ScriptBuiltins:
    """What a script sees of a robot; ``table()`` maps names to functions."""

    def __init__(self, robot):
        self._robot = robot
        self._arm = robot.arm

    def table(self):
        """Dict of all functions by their URScript names."""
        functions = {name: getattr(self, name) for name in dir(self) if not name.startswith("_")}
        del functions["table"]
        functions.update(dict.fromkeys(_SETTINGS_WITHOUT_EFFECT, _accept))
        functions.update(norm=_norm, __pose=Pose, get_steptime=lambda: TICK_S)
        return functions

    # Motion

    def sync(self):
        yield

    def sleep(self, t):
        for _ in range(max(1, round(t / TICK_S))):
            yield

    def speedl(self, xd, a=0.5, t=0.0, aRot=None):
        yield from self._accelerate(motions.SpeedL(xd, a, aRot), t)

    def speedj(self, qd, a=0.5, t=0.0):
        yield from self._accelerate(motions.SpeedJ(qd, a), t)

    def servoj(self, q, a=0.0, v=0.0, t=TICK_S, lookahead_time=0.1, gain=300.0):
        self._arm.motion = motions.ServoJ(q, lookahead_time)
        yield from self.sleep(t)

    def stopl(self, a=20.0, aRot=None):
        yield from self._finish(motions.StopL(a, aRot))

    def stopj(self, a=2.0):
        yield from self._finish(motions.StopJ(a))

    def movej(self, q, a=1.4, v=1.05, t=0.0, r=0.0):
        yield from self.stopj(a)
        joints = self.get_inverse_kin(q) if isinstance(q, Pose) else q
        yield from self._finish(motions.MoveJ(self._arm, joints, v, a))

    def movel(self, pose, a=1.2, v=0.25, t=0.0, r=0.0):
        yield from self.stopj(a)
        T = to_matrix(pose if isinstance(pose, Pose) else self.get_forward_kin(pose))
        yield from self._finish(motions.MoveL(self._arm, T, v, a))

    def release_arm(self):
        """What becomes of a motion whose thread was killed: the controller stops the arm."""
        self._arm.forced_stop()

    def _accelerate(self, motion, time_s):
        self._arm.motion = motion
        yield
        if time_s > 0.0:
            for _ in range(round(time_s / TICK_S) - 1):
                yield
        else:
            while self._arm.motion is motion and not motion.reached:
                yield

    def _finish(self, motion):
        self._arm.motion = motion
        while self._arm.motion is motion:
            yield

    # Poses and kinematics

    def get_actual_tcp_pose(self):
        return to_pose(self._arm.tcp_pose())

    def get_actual_tool_flange_pose(self):
        return to_pose(self._arm.flange_pose())

    def get_actual_joint_positions(self):
        return self._arm.q.tolist()

    def get_actual_joint_positions_history(self, steps=0):
        return self._robot.log.ticks_ago(int(steps))[0].tolist()

    def get_target_tcp_speed(self):
        return self._arm.tcp_velocity().tolist()

    def get_target_waypoint(self):
        return to_pose(self._arm.tcp_pose())

    def get_tcp_offset(self):
        return to_pose(self._arm.T_flange_tcp)

    def set_tcp(self, pose):
        self._arm.T_flange_tcp = to_matrix(pose)

    def get_forward_kin(self, q=None, tcp=None):
        T_flange_tcp = self._arm.T_flange_tcp if tcp is None else to_matrix(tcp)
        return to_pose(self._arm.model.forward(self._arm.q if q is None else q) @ T_flange_tcp)

    def get_inverse_kin(self, x, qnear=None, maxPositionError=1e-10, maxOrientationError=1e-10):
        return self._arm.joints_at(to_matrix(x), qnear).tolist()

    def get_inverse_kin_has_solution(self, x, qnear=None, *tolerances):
        try:
            self.get_inverse_kin(x, qnear)
        except ValueError:
            return False
        return True

    def is_within_safety_limits(self, target):
        if isinstance(target, Pose):
            return self.get_inverse_kin_has_solution(target)
        lowest, highest = self._arm.model.position_limits_rad
        return bool((lowest <= target).all() and (target <= highest).all())

    def is_steady(self):
        return not self._arm.qd.any()

    def pose_trans(self, p_from, p_from_to):
        return to_pose(to_matrix(p_from) @ to_matrix(p_from_to))

    def pose_sub(self, p_to, p_from):
        T_to, T_from = to_matrix(p_to), to_matrix(p_from)
        turn = T_to[:3, :3] @ T_from[:3, :3].T
        return to_pose(se3.pose(turn, T_to[:3, 3] - T_from[:3, 3]))

    # Registers and the controller

    def read_input_integer_register(self, index):
        return self._robot.registers[f"input_int_register_{index}"]

    def read_input_float_register(self, index):
        return self._robot.registers[f"input_double_register_{index}"]

    def write_output_integer_register(self, index, value):
        self._robot.registers[f"output_int_register_{index}"] = int(value)

    def write_output_float_register(self, index, value):
        self._robot.registers[f"output_double_register_{index}"] = float(value)

    def rtde_set_watchdog(self, name, minimum_frequency, action="pause"):
        if name not in self._robot.registers:
            raise ScriptError(f"rtde_set_watchdog: no register {name}")
        self._robot.watch(name, minimum_frequency, action)

    def protective_stop(self):
        raise motions.SafetyViolation("asked for by the program")

    def textmsg(self, first, second=""):
        _log.debug("%s%s", first, second)


def _accept(*_):
    """Settings of payload and force mode, which the simulated arm is not subject to."""


def _norm(values):
    return math.hypot(*values)
