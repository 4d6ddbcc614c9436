"""A simulated arm and a driver on it, for faults between the two."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.driver_process import DriverProcess
from cns_core.bench.faults.rig import FULL_SPEED_M_S, GONE, PATIENCE_S
from cns_core.twin.robot.control_box import Q_HOME, ControlBox
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.stopping import linear_speed

FULL_MOTION = (0.0, 0.0, -FULL_SPEED_M_S, 0.0, 0.0, 0.0)
"""Twist of full speed backwards, m/s and rad/s in the camera's frame."""
STANDING = (0.0,) * 6

_SPEED_TOLERANCE_M_S = 5e-4
# Refusals that pass by themselves: the first twists, and news of the arm's rest, are on their way.
_PASSING = ("no fresh twist", "the arm is moving")


class ArmRig:
    """A control box and a driver process, a ``FaultRig``; a context manager.

    Args:
        host: loopback address of the control box.
        settings: overrides of ``UrConfig``.

    Attributes:
        driver: the living :class:`DriverProcess`, or the last one.
    """

    explains_within_s = 0.0  # the state brings its explanation

    def __init__(self, host: str, **settings: Any) -> None:
        self.config = UrConfig(
            robot_ip=host,
            hand_eye=HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0)),
            **settings,
        )
        self.box = ControlBox(host, unlock_delay_s=0.1)

    def __enter__(self) -> ArmRig:
        self.box.start()
        self.pendant = Pendant(self.config.robot_ip)
        self.driver = DriverProcess(self.config)
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.end()
        self.pendant.close()
        self.box.stop()

    # What a trial asks for

    @property
    def state(self) -> str:
        """The driver's state."""
        return self.driver.report.state

    def begin(self, moving: bool) -> None:
        """Jog home and arm; returns at full speed, or armed and at rest."""
        self.home(Q_HOME)
        self.arm(FULL_MOTION if moving else STANDING)

    def invite(self) -> None:
        """Let the driver, a new one if it is gone, send twists of full speed."""
        if self.state == GONE:
            self.driver = DriverProcess(self.config)
        self.driver.send(FULL_MOTION)

    def silence(self) -> None:
        """Let the driver send nothing."""
        self.driver.send(None)

    def disarm(self) -> None:
        """Ask the driver to disarm."""
        self.driver.request("disarm")

    def wait(self, duration_s: float) -> None:
        """Let time pass; the driver is heard all the time."""
        time.sleep(max(0.0, duration_s))

    def until_state(self, *states: str) -> None:
        """Wait until the driver is in one of these states."""
        self.driver.until_state(*states)

    def explanation(self) -> str:
        """Why the arm stands, and what was wrong with the twists, as the status has it."""
        report = self.driver.report
        if report.state == GONE:
            return GONE
        return "; ".join(filter(None, (report.last_stop or report.cause, report.refusal)))

    # What a user does

    def arm(self, twist: Sequence[float]) -> None:
        """Arm, and wait until the arm moves steadily with ``twist``, or stands with zero.

        Again where a busy machine was silent for so long that the driver disarmed.

        Raises:
            RuntimeError: if arming is refused.
            TimeoutError: if the speed does not come.
        """
        speed_m_s = float(np.linalg.norm(twist))
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.driver.until_state("disarmed", "faulted")
            self.driver.send(STANDING)
            success, message = self.request_arming()
            if not success:
                raise RuntimeError(f"arming refused: {message}")
            self.driver.until_heard()
            self.driver.send(twist)
            if self._reaches(speed_m_s):
                return
        raise TimeoutError(f"full speed has not come: {self.driver.report}")

    def request_arming(self) -> tuple[bool, str]:
        """Arm, again while a refusal is about to pass; (success, message)."""
        end = time.monotonic() + PATIENCE_S
        while True:
            success, message = self.driver.request("arm")
            if success or not message.startswith(_PASSING) or time.monotonic() > end:
                return success, message

    def home(self, q: Sequence[float]) -> None:
        """Jog to joint angles (6,) in rad, which needs the driver to have released control."""
        end = time.monotonic() + PATIENCE_S
        while self.pendant.status()["program_running"]:
            if time.monotonic() > end:
                raise TimeoutError(f"the driver does not release control: {self.driver.report}")
            time.sleep(0.01)
        self.pendant.move_joints(q, speed_rad_s=1.0)

    def until_rest(self) -> None:
        """Wait until the camera stands still."""
        end = time.monotonic() + PATIENCE_S
        while not self._moves_at(0.0):
            if time.monotonic() > end:
                raise TimeoutError(f"the arm does not come to rest: {self.driver.report}")
            time.sleep(0.01)

    def _reaches(self, speed_m_s: float) -> bool:
        """Whether the arm comes to a speed while the driver is armed."""
        end = time.monotonic() + PATIENCE_S
        while self.state == "armed" and time.monotonic() < end:
            if self._moves_at(speed_m_s):
                return True
            time.sleep(0.01)
        return False

    def _moves_at(self, speed_m_s: float) -> bool:
        error = abs(linear_speed(self.box) - speed_m_s)
        return error <= 0.02 * speed_m_s + _SPEED_TOLERANCE_M_S
