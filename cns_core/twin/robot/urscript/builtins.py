"""URScript's built-in functions, as far as servoing, moving and asking for poses needs them.

Functions that take time are generator functions and listed in ``BLOCKING``. What is not here ends
the program with an error that names it.
"""

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cns_core.twin.robot.motion_log import MotionWriter
from cns_core.twin.robot.motions import TICK_S, SafetyViolation
from cns_core.twin.robot.ports.rtde_protocol import Value
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_core.twin.robot.urscript.motion_builtins import MotionBuiltins
from cns_core.twin.robot.urscript.poses import Pose, PoseBuiltins
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

Builtins = dict[str, Callable[..., Any]]
"""Functions by their URScript names."""


class ScriptedRobot(Protocol):
    """What scripts reach of the controller that plays them; see ``RobotController``."""

    arm: SimulatedArm
    log: MotionWriter
    registers: dict[str, Value]

    def watch(self, register: str, minimum_hz: float, action: str) -> None: ...


class _ControllerBuiltins:
    """Registers and the rest of the controller; every public method is a function of scripts."""

    def __init__(self, robot: ScriptedRobot) -> None:
        self._robot = robot

    def get_actual_joint_positions_history(self, steps: int = 0) -> list[float]:
        return self._robot.log.ticks_ago(int(steps))[0].tolist()

    def read_input_integer_register(self, index: int) -> Value:
        return self._robot.registers[f"input_int_register_{index}"]

    def read_input_float_register(self, index: int) -> Value:
        return self._robot.registers[f"input_double_register_{index}"]

    def write_output_integer_register(self, index: int, value: float) -> None:
        self._robot.registers[f"output_int_register_{index}"] = int(value)

    def write_output_float_register(self, index: int, value: float) -> None:
        self._robot.registers[f"output_double_register_{index}"] = float(value)

    def rtde_set_watchdog(self, name: str, minimum_frequency: float, action: str = "pause") -> None:
        if name not in self._robot.registers:
            raise ScriptError(f"rtde_set_watchdog: no register {name}")
        self._robot.watch(name, minimum_frequency, action)

    def release_arm(self) -> None:
        """What becomes of a motion whose thread was killed: the controller stops the arm."""
        self._robot.arm.forced_stop()

    def protective_stop(self) -> None:
        raise SafetyViolation("asked for by the program")

    def textmsg(self, first: object, second: object = "") -> None:
        _log.debug("%s%s", first, second)


def script_builtins(robot: ScriptedRobot) -> Builtins:
    """All functions of scripts that this robot plays."""
    poses = PoseBuiltins(robot.arm)
    functions: Builtins = {}
    for group in (MotionBuiltins(robot.arm, poses), poses, _ControllerBuiltins(robot)):
        functions |= {name: getattr(group, name) for name in dir(group) if name[0] != "_"}
    functions |= dict.fromkeys(_SETTINGS_WITHOUT_EFFECT, _accept)
    return functions | {"norm": _norm, "__pose": Pose, "get_steptime": lambda: TICK_S}


def _accept(*_: object) -> None:
    """Settings of payload and force mode, which the simulated arm is not subject to."""


def _norm(values: Iterable[float]) -> float:
    return math.hypot(*values)
