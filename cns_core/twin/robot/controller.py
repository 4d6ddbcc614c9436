"""The controller's state without its sockets: arm, program, registers and the safety system.

Everything happens in :meth:`RobotController.tick`, every 2 ms.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.arm.ur_kinematics import UrModel
from cns_core.twin.robot.motion_log import MotionWriter
from cns_core.twin.robot.motions import TICK_S, SafetyViolation, speed_fraction
from cns_core.twin.robot.moves import MoveJ
from cns_core.twin.robot.ports.rtde_protocol import Value, zero_registers
from cns_core.twin.robot.safety import BoxRefusal, SafetyMode, SafetySystem
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_core.twin.robot.urscript.builtins import BLOCKING, script_builtins
from cns_core.twin.robot.urscript.poses import to_matrix
from cns_core.twin.robot.urscript.program import Program
from cns_core.twin.robot.urscript.words import ScriptError

_compiler = ThreadPoolExecutor(max_workers=1)
_log = logging.getLogger(__name__)


@dataclass
class _Watchdog:
    """Ends the program when a register is not written once in every ``period_s``."""

    register: str
    period_s: float
    written_s: float


class RobotController:
    """One arm with its controller.

    Args:
        model: of the arm.
        q: (6,) joint angles to begin with, in rad.
        log: takes the motion of every tick.
        unlock_delay_s: how long a protective stop must last before it can be unlocked.

    Attributes:
        arm: the :class:`SimulatedArm`.
        safety: the :class:`SafetySystem`; its stops are begun here, because the arm takes part.
        registers: all general-purpose registers by their RTDE names.
        program: what plays, or None.
        ticks: how many have passed.
        clock_s: what its clock says; it also goes on where the robot lost time, see
            :meth:`.BoxServer.run`.
        remote_control: whether a client may play programs.
    """

    def __init__(
        self, model: UrModel, q: NDArray[np.float64], log: MotionWriter, unlock_delay_s: float
    ) -> None:
        self.arm = SimulatedArm(model, q)
        self.safety = SafetySystem(unlock_delay_s)
        self.log = log
        self.registers = zero_registers()
        self.program: Program | None = None
        self._loading: Future[Program] | None = None
        self.ticks = 0
        self.clock_s = 0.0
        self._tick_at: float | None = None
        self.remote_control = True
        self._watchdog: _Watchdog | None = None
        self._builtins = script_builtins(self)

    @property
    def time_s(self) -> float:
        """Time since the controller started, counted in ticks."""
        return self.ticks * TICK_S

    def tick(self, monotonic_s: float) -> None:
        """Advance by one tick, which ends at a time of the monotonic clock."""
        self.ticks += 1
        self.clock_s += TICK_S if self._tick_at is None else monotonic_s - self._tick_at
        self._tick_at = monotonic_s
        self._check_watchdog()
        if self._loading is not None and self._loading.done():
            self._start_program(self._loading)
        if self.program is not None:
            self._run_program(self.program)
        try:
            self.arm.tick()
        except SafetyViolation as violation:
            self.protective_stop(str(violation))
            self.arm.tick()
        if self.safety.emergency and self.arm.motion is None:
            self.safety.cut_power()
        self.log.append(monotonic_s, self.arm.q, self.arm.qd, self.arm.tcp_velocity())

    # Program

    def play(self, source: str) -> None:
        """Start a program in the place of the one that plays, as soon as it is compiled.

        Raises:
            BoxRefusal: in local control, or when the arm is not ready to move.
        """
        if not self.remote_control:
            raise BoxRefusal("the robot is in local control")
        self.safety.require_ready()
        self.stop_program()
        # Aside, because the controller goes on meanwhile.
        self._loading = _compiler.submit(Program, source, self._builtins, BLOCKING)

    def stop_program(self) -> None:
        """End the program, if one plays, and stop the arm."""
        self._loading = None
        if self.program is not None:
            self.program.close()
            self.program = None
        self._watchdog = None
        self.arm.forced_stop()

    def move_joints(self, q: Sequence[float], speed_rad_s: float, acceleration: float) -> MoveJ:
        """Jog from the pendant; returns the motion, whose ``finished`` tells of the arrival.

        Raises:
            BoxRefusal: while a program plays or the arm cannot move.
            ValueError: if the target or speed is malformed.
        """
        if self.program is not None or self._loading is not None:
            raise BoxRefusal("a program plays")
        self.safety.require_ready()
        motion = MoveJ(self.arm, q, speed_rad_s, acceleration)
        self.arm.motion = motion
        return motion

    def set_remote_control(self, remote: bool) -> None:
        """Switch between remote and local control, which ends what a client plays."""
        self.remote_control = bool(remote)
        if not self.remote_control:
            self.stop_program()

    def set_tcp(self, pose: Sequence[float]) -> None:
        """Make ``[x, y, z, rx, ry, rz]`` on the flange the TCP, as the pendant's installation does.

        Raises:
            BoxRefusal: while a program plays.
            ValueError: unless it is six finite numbers.
        """
        if self.program is not None or self._loading is not None:
            raise BoxRefusal("a program plays")
        self.arm.T_flange_tcp = to_matrix(pose)

    def set_speed_slider(self, fraction: float) -> None:
        """Set the pendant's slider; ValueError unless within 0.01 to 1."""
        self.arm.speed_slider = speed_fraction(fraction, "the speed slider")

    def _start_program(self, loaded: Future[Program]) -> None:
        self._loading = None
        try:
            self.program = loaded.result()
        except ScriptError as error:
            _log.warning("program not played: %s", error)

    def _run_program(self, program: Program) -> None:
        try:
            playing = program.tick()
        except ScriptError as error:
            _log.warning("program stopped: %s", error)
            playing = False
        except SafetyViolation as violation:
            self.protective_stop(str(violation))
            return
        if not playing:
            self.stop_program()

    # Registers

    def watch(self, register: str, minimum_hz: float, action: str) -> None:
        """Guard a register: ``action`` "stop" ends the program when it is not written in time."""
        self._watchdog = None
        if action != "ignore" and minimum_hz > 0.0:
            self._watchdog = _Watchdog(register, 1.0 / minimum_hz, self.time_s)

    def write_inputs(self, values: Mapping[str, Value]) -> None:
        """Store input registers as a client sent them, by name."""
        self.registers.update(values)
        if self._watchdog is not None and self._watchdog.register in values:
            self._watchdog.written_s = self.time_s

    def _check_watchdog(self) -> None:
        watchdog = self._watchdog
        if watchdog is not None and self.time_s - watchdog.written_s > watchdog.period_s:
            _log.warning(
                "program stopped: %s not written for %.3f s", watchdog.register, watchdog.period_s
            )
            self.stop_program()

    # Safety

    def protective_stop(self, reason: str) -> None:
        """Stop the arm and the program until the stop is unlocked."""
        _log.warning("protective stop: %s", reason)
        self._safety_stop(SafetyMode.PROTECTIVE_STOP, reason)

    def emergency_stop(self) -> None:
        """Stop the arm and the program, then cut the power."""
        self._safety_stop(SafetyMode.ROBOT_EMERGENCY_STOP, "emergency stop")

    def unlock(self) -> None:
        """Release a protective stop, see :meth:`SafetySystem.unlock`."""
        self.safety.unlock(self.time_s)

    def power_off(self) -> None:
        """Stop and take the power off the arm."""
        self.stop_program()
        self.safety.cut_power()

    def _safety_stop(self, mode: SafetyMode, reason: str) -> None:
        self.stop_program()
        self.safety.stop(mode, reason, self.time_s)
