"""Power and safety of the arm: the modes it is in, and what brings it from one to another.

Modes are numbered as in Universal Robots' RTDE guide.
"""

import enum


class RobotMode(enum.IntEnum):
    POWER_OFF = 3
    IDLE = 5
    RUNNING = 7


class SafetyMode(enum.IntEnum):
    NORMAL = 1
    PROTECTIVE_STOP = 3
    ROBOT_EMERGENCY_STOP = 7


class BoxRefusal(ValueError):
    """What the control box does not do in its present state, and why."""


class SafetySystem:
    """The modes of one arm, which begins ready to move.

    Args:
        unlock_delay_s: how long a protective stop must last before it can be unlocked.

    Attributes:
        robot_mode, safety_mode: the present modes.
        stop_reason: why the arm is stopped, empty if it is not.
    """

    def __init__(self, unlock_delay_s: float) -> None:
        self.robot_mode = RobotMode.RUNNING
        self.safety_mode = SafetyMode.NORMAL
        self.stop_reason = ""
        self._unlock_delay_s = unlock_delay_s
        self._stopped_at_s = 0.0

    @property
    def emergency(self) -> bool:
        """Whether the emergency stop is pressed."""
        return self.safety_mode == SafetyMode.ROBOT_EMERGENCY_STOP

    def require_ready(self) -> None:
        """Refuse what needs an arm that can move.

        Raises:
            BoxRefusal: naming the modes.
        """
        if self.safety_mode != SafetyMode.NORMAL or self.robot_mode != RobotMode.RUNNING:
            raise BoxRefusal(f"{self.safety_mode.name}, {self.robot_mode.name}")

    def stop(self, mode: SafetyMode, reason: str, now_s: float) -> None:
        """Enter a stop; nothing outranks the emergency stop."""
        if not self.emergency:
            self.safety_mode = mode
            self.stop_reason = reason
            self._stopped_at_s = now_s

    def unlock(self, now_s: float) -> None:
        """Release a protective stop.

        Raises:
            BoxRefusal: if there is none, or it is too young.
        """
        if self.safety_mode != SafetyMode.PROTECTIVE_STOP:
            raise BoxRefusal("the robot is not in a protective stop")
        if now_s - self._stopped_at_s < self._unlock_delay_s:
            raise BoxRefusal(
                f"Cannot unlock protective stop until {self._unlock_delay_s:g}s after occurrence."
                " Always inspect cause of protective stop before unlocking"
            )
        self._return_to_normal()

    def release_emergency_stop(self) -> None:
        """Pull the button out again; the arm stays without power until it is switched on.

        Raises:
            BoxRefusal: if the button is not pressed.
        """
        if not self.emergency:
            raise BoxRefusal("the emergency stop is not pressed")
        self._return_to_normal()

    def power_on(self) -> None:
        """Power to the arm, brakes closed."""
        if not self.emergency:
            self.robot_mode = max(self.robot_mode, RobotMode.IDLE)

    def cut_power(self) -> None:
        """Take the power off the arm."""
        self.robot_mode = RobotMode.POWER_OFF

    def brake_release(self) -> None:
        """Make the arm ready to move, switching it on first if need be."""
        if not self.emergency:
            self.robot_mode = RobotMode.RUNNING

    def _return_to_normal(self) -> None:
        self.safety_mode = SafetyMode.NORMAL
        self.stop_reason = ""
