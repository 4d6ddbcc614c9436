"""The controller's state without its sockets: arm, program, registers and the safety system.

Everything happens in :meth:`Robot.tick`, every 2 ms. Modes are numbered as in Universal Robots'
RTDE guide.
"""

import enum
import logging
from concurrent.futures import ThreadPoolExecutor

from cns_core.twin.robot.motions import TICK_S, MoveJ, SafetyViolation
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_core.twin.robot.urscript.builtins import BLOCKING, ScriptBuiltins
from cns_core.twin.robot.urscript.program import Program
from cns_core.twin.robot.urscript.words import ScriptError

_REGISTERS = 48
_compiler = ThreadPoolExecutor(max_workers=1)
_log = logging.getLogger(__name__)


class RobotMode(enum.IntEnum):
    POWER_OFF = 3
    IDLE = 5
    RUNNING = 7


class SafetyMode(enum.IntEnum):
    NORMAL = 1
    PROTECTIVE_STOP = 3
    ROBOT_EMERGENCY_STOP = 7


class Refused(ValueError):
    """What the controller does not do in its present state, and why."""


class Robot:
    """One arm with its controller.

    Args:
        model: a :class:`~cns_core.arm.ur_kinematics.UrModel`.
        q: (6,) joint angles to begin with, in rad.
        log: a :class:`~cns_core.twin.robot.motion_log.MotionWriter`.
        unlock_delay_s: how long a protective stop must last before it can be unlocked.
    """

    def __init__(self, model, q, log, unlock_delay_s):
        self.arm = SimulatedArm(model, q)
        self.log = log
        self.registers = _registers()
        self.program = None
        self._loading = None
        self.ticks = 0
        self.robot_mode = RobotMode.RUNNING
        self.safety_mode = SafetyMode.NORMAL
        self.remote_control = True
        self.stop_reason = ""
        self._unlock_delay_s = unlock_delay_s
        self._stopped_at_s = 0.0
        self._watchdog = None
        self._builtins = ScriptBuiltins(self).table()

    @property
    def time_s(self):
        """Time since the controller started, counted in ticks."""
        return self.ticks * TICK_S

    def tick(self, monotonic_s):
        """Advance by one tick, which ends at a time of the monotonic clock."""
        self.ticks += 1
        self._check_watchdog()
        if self._loading is not None and self._loading.done():
            self._start_program()
        if self.program is not None:
            self._run_program()
        try:
            self.arm.tick()
        except SafetyViolation as violation:
            self.protective_stop(str(violation))
            self.arm.tick()
        if self.safety_mode == SafetyMode.ROBOT_EMERGENCY_STOP and self.arm.motion is None:
            self.robot_mode = RobotMode.POWER_OFF
        self.log.append(monotonic_s, self.arm.q, self.arm.qd, self.arm.tcp_velocity())

    # Program

    def play(self, source):
        """Start a program in the place of the one that plays, as soon as it is compiled.

        Raises:
            Refused: in local control, or when the arm is not ready to move.
        """
        if not self.remote_control:
            raise Refused("the robot is in local control")
        if self.safety_mode != SafetyMode.NORMAL or self.robot_mode != RobotMode.RUNNING:
            raise Refused(f"{self.safety_mode.name}, {self.robot_mode.name}")
        self.stop_program()
        # Aside, because the controller goes on meanwhile.
        self._loading = _compiler.submit(Program, source, self._builtins, BLOCKING)

    def stop_program(self):
        """End the program, if one plays, and stop the arm."""
        self._loading = None
        if self.program is not None:
            self.program.close()
            self.program = None
        self._watchdog = None
        self.arm.forced_stop()

    def move_joints(self, q, speed_rad_s, acceleration):
        """Jog from the pendant; returns the motion, whose ``finished`` tells of the arrival.

        Raises:
            Refused: while a program plays or the arm cannot move.
            ValueError: if the target or speed is malformed.
        """
        if self.program is not None or self._loading is not None:
            raise Refused("a program plays")
        if self.safety_mode != SafetyMode.NORMAL or self.robot_mode != RobotMode.RUNNING:
            raise Refused(f"{self.safety_mode.name}, {self.robot_mode.name}")
        motion = MoveJ(self.arm, q, speed_rad_s, acceleration)
        self.arm.motion = motion
        return motion

    def _start_program(self):
        loading, self._loading = self._loading, None
        try:
            self.program = loading.result()
        except ScriptError as error:
            _log.warning("program not played: %s", error)

    def _run_program(self):
        try:
            playing = self.program.tick()
        except ScriptError as error:
            _log.warning("program stopped: %s", error)
            playing = False
        except SafetyViolation as violation:
            self.protective_stop(str(violation))
            return
        if not playing:
            self.stop_program()

    # Registers

    def watch(self, register, minimum_hz, action):
        """Guard a register: ``action`` "stop" ends the program when it is not written in time."""
        self._watchdog = None
        if action != "ignore" and minimum_hz > 0.0:
            self._watchdog = [register, 1.0 / minimum_hz, self.time_s]

    def write_inputs(self, values):
        """Store input registers as a client sent them, by name."""
        self.registers.update(values)
        if self._watchdog is not None and self._watchdog[0] in values:
            self._watchdog[2] = self.time_s

    def _check_watchdog(self):
        if self._watchdog is None:
            return
        register, period_s, written_s = self._watchdog
        if self.time_s - written_s > period_s:
            _log.warning("program stopped: %s not written for %.3f s", register, period_s)
            self.stop_program()

    # Safety

    def protective_stop(self, reason):
        """Stop the arm and the program until the stop is unlocked."""
        _log.warning("protective stop: %s", reason)
        self._safety_stop(SafetyMode.PROTECTIVE_STOP, reason)

    def emergency_stop(self):
        """Stop the arm and the program, then cut the power."""
        self._safety_stop(SafetyMode.ROBOT_EMERGENCY_STOP, "emergency stop")

    def unlock(self):
        """Release a protective stop.

        Raises:
            Refused: if there is none, or it is too young.
        """
        if self.safety_mode != SafetyMode.PROTECTIVE_STOP:
            raise Refused("the robot is not in a protective stop")
        if self.time_s - self._stopped_at_s < self._unlock_delay_s:
            raise Refused(
                f"Cannot unlock protective stop until {self._unlock_delay_s:g}s after occurrence."
                " Always inspect cause of protective stop before unlocking"
            )
        self._return_to_normal()

    def release_emergency_stop(self):
        """Pull the button out again; the arm stays without power until it is switched on.

        Raises:
            Refused: if the button is not pressed.
        """
        if self.safety_mode != SafetyMode.ROBOT_EMERGENCY_STOP:
            raise Refused("the emergency stop is not pressed")
        self._return_to_normal()

    def power_on(self):
        """Power to the arm, brakes closed."""
        if self.safety_mode != SafetyMode.ROBOT_EMERGENCY_STOP:
            self.robot_mode = max(self.robot_mode, RobotMode.IDLE)

    def power_off(self):
        """Stop and take the power off the arm."""
        self.stop_program()
        self.robot_mode = RobotMode.POWER_OFF

    def brake_release(self):
        """Make the arm ready to move, switching it on first if need be."""
        if self.safety_mode != SafetyMode.ROBOT_EMERGENCY_STOP:
            self.robot_mode = RobotMode.RUNNING

    def set_remote_control(self, remote):
        """Switch between remote and local control, which ends what a client plays."""
        self.remote_control = bool(remote)
        if not self.remote_control:
            self.stop_program()

    def _safety_stop(self, mode, reason):
        self.stop_program()
        if self.safety_mode != SafetyMode.ROBOT_EMERGENCY_STOP:
            self.safety_mode = mode
            self.stop_reason = reason
            self._stopped_at_s = self.time_s

    def _return_to_normal(self):
        self.safety_mode = SafetyMode.NORMAL
        self.stop_reason = ""


def _registers():
    """All general-purpose registers by their RTDE names."""
    return {
        f"{direction}_{kind}_register_{i}": zero
        for direction in ("input", "output")
        for kind, zero in (("int", 0), ("double", 0.0))
        for i in range(_REGISTERS)
    }
