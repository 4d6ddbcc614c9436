"""The driver without ROS: every command passes the gate, and what passes goes to the arm."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from cns_core.arm.command_gate import CommandGate
from cns_core.arm.config import MotionConfig
from cns_core.arm.link import ON_REQUEST, ArmLink, LinkStatus, OnAnswer


class ArmDriver:
    """A gate and the link behind it; a context manager that stops the arm at its end.

    Args:
        config: of the motion; its hand-eye names the frame that twists must be in.
        link: the way to the arm.

    Attributes:
        gate: counts and explains what was refused.

    Example:
        >>> config = UrConfig(robot_ip="192.168.0.10", hand_eye=HandEye.load("hand_eye.yaml"))
        >>> with ArmDriver(config, UrLink(config)) as driver:
        ...     driver.offer(twist, "camera_optical_frame", stamp_s=time.time())
        ...     driver.request("arm", print)
        ...     status = driver.poll()
    """

    def __init__(self, config: MotionConfig, link: ArmLink):
        self.config = config
        self.gate = CommandGate(config.hand_eye.camera_frame, config.command_timeout_s)
        self._link = link

    def __enter__(self) -> ArmDriver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def status(self) -> LinkStatus:
        """The newest status, as of the last :meth:`poll`."""
        return self._link.status

    def offer(
        self,
        twist: Sequence[float] | np.ndarray,
        frame: str,
        stamp_s: float,
        clock_s: float | None = None,
    ) -> None:
        """Send one (6,) camera twist [v, w], m/s and rad/s, if nothing is wrong with it.

        Args:
            frame: the frame it is expressed in.
            stamp_s: when it was made, in s on the clock of ``clock_s``.
            clock_s: what that clock says now; None for ``time.time()``.

        Raises:
            ValueError: why it is refused; it has no effect then.
        """
        now = time.time() if clock_s is None else clock_s
        checked, age_s = self.gate.admit(twist, frame, stamp_s, now)
        # Held from when it was made, not from when it got here.
        self._link.command(checked, time.monotonic() - age_s)

    def request(self, action: str, on_answer: OnAnswer, cause: str = ON_REQUEST) -> None:
        """``"arm"`` or ``"disarm"``; ``on_answer(success, message)``, from :meth:`poll` at last.

        Args:
            cause: of disarming, for the status.
        """

        def explain(success: bool, message: str) -> None:
            refusal = "" if success else self.gate.refusal
            on_answer(success, f"{message}; {refusal}" if refusal else message)

        self._link.request(action, explain, cause)

    def poll(self) -> LinkStatus:
        """Take in what has happened since the last call; the newest status."""
        return self._link.poll()

    def give_up(self, cause: str) -> None:
        """Stop the arm, whatever it does: this side has failed. Harmless when repeated."""
        self._link.give_up(cause)

    def close(self) -> None:
        """Stop the arm and let go of it."""
        self._link.close()
