"""What an injected fault and its trial need of a simulated arm and of whatever drives it."""

from typing import Protocol

from cns_core.arm.ur.config import UrConfig
from cns_core.twin.robot.motion_log import LoggedMotion

FULL_SPEED_M_S = 0.1
"""How fast the camera moves in the phase "motion"."""

GONE = "gone"
"""What is said of a driver, or of another node, whose process has ended."""

AT_REST = ("disarmed", "disconnected", "faulted", GONE)
"""States of a driver that lets nothing move."""

PATIENCE_S = 60.0
"""How long a rig waits for what has to come, on however busy a machine."""


class FaultRig(Protocol):
    """An arm, its driver, and who sends twists to the driver.

    Attributes:
        config: the driver's settings.
        explains_within_s: how much later than the driver's state its explanation may come.
    """

    config: UrConfig
    explains_within_s: float

    @property
    def box(self) -> LoggedMotion:
        """The arm, where its motion is measured."""

    @property
    def state(self) -> str:
        """What the driver said last of its state; GONE if its process has ended."""

    def begin(self, moving: bool) -> None:
        """From a disarmed or faulted driver to an armed one, at full speed or standing.

        Raises:
            RuntimeError: if arming is refused.
            TimeoutError: if the speed does not come.
        """

    def invite(self) -> None:
        """Let twists of full speed flow, so that only the driver can keep the arm from moving."""

    def silence(self) -> None:
        """Let no twists flow any more."""

    def disarm(self) -> None:
        """Ask the driver to disarm."""

    def wait(self, duration_s: float) -> None:
        """Let time pass and hear what is said meanwhile; none if it is not positive."""

    def until_state(self, *states: str) -> None:
        """Wait until the driver is in one of these states.

        Raises:
            TimeoutError: if it does not come there.
        """

    def explanation(self) -> str:
        """Why the arm stands, in the words of who is concerned."""
