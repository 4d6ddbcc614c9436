"""A simulated arm and a driver on it, for faults between the two."""

import json
import subprocess
import sys
import threading
import time

import numpy as np

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur.config import UrConfig
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.stopping import linear_speed

FULL_MOTION = (0.0, 0.0, -0.1, 0.0, 0.0, 0.0)
"""Twist of the phase "motion": 0.1 m/s backwards, m/s and rad/s in the camera's frame."""
STANDING = (0.0,) * 6

GONE = "gone"
"""State of a driver whose process has ended."""

_TEXTS = ("state", "cause", "last_stop", "slowed_by", "refusal")
_UNKNOWN = dict.fromkeys(_TEXTS, "") | {"refused": 0, "worker_pid": 0}
_PATIENCE_S = 60.0
_SPEED_TOLERANCE_M_S = 5e-4
# Refusals that pass by themselves: the first twists, and news of the arm's rest, are on their way.
_PASSING = ("no fresh twist", "the arm is moving")


class FaultRig:
    """A control box and a driver process; a context manager.

    Args:
        host: loopback address of the control box.
        settings: overrides of ``UrConfig``.
    """

    def __init__(self, host, **settings):
        self.config = UrConfig(
            robot_ip=host,
            hand_eye=HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0)),
            **settings,
        )
        self._box = ControlBox(host, unlock_delay_s=0.1)
        self._changed = threading.Condition()
        self._answers = []
        self.status = dict(_UNKNOWN)

    def __enter__(self):
        self.box = self._box.__enter__()
        self.pendant = Pendant(self.config.robot_ip)
        self.start_driver()
        return self

    def __exit__(self, *_):
        self.end_driver()
        self.pendant.close()
        self._box.__exit__()

    # The driver process

    def start_driver(self):
        """Start a driver; it comes up disarmed."""
        self.status = dict(_UNKNOWN)
        self.driver = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cns_core.bench.faults.fault_driver",
                json.dumps(self.config.to_dict()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=[self.driver.stdout], daemon=True).start()

    def end_driver(self):
        """End it in an orderly way, if it still lives."""
        self.driver.stdin.close()
        try:
            self.driver.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()

    def send(self, twist):
        """Let the driver send this twist from now on, or be silent (None)."""
        self._tell(twist=twist)

    def send_burst(self, commands):
        """Let the driver send commands (twist, frame, age in s) once, all at the same time."""
        self._tell(burst=commands)

    def request(self, action):
        """Arm or disarm; (success, message)."""
        self._answers.clear()
        self._tell(request=action)
        self.until(lambda: self._answers, f"an answer to {action}")
        return self._answers[0]["success"], self._answers[0]["message"]

    def until(self, condition, what):
        """Wait until a report makes the condition true; TimeoutError names what did not come."""
        with self._changed:
            if not self._changed.wait_for(condition, _PATIENCE_S):
                raise TimeoutError(f"{what} has not come; the driver says {self.status}")

    def until_state(self, *states):
        """Wait until the driver is in one of these states."""
        self.until(lambda: self.status["state"] in states, " or ".join(states))

    def arm(self, twist):
        """Arm, and wait until the arm moves steadily with ``twist``, or stands with zero.

        Again where a busy machine was silent for so long that the driver disarmed.

        Raises:
            RuntimeError: if arming is refused.
            TimeoutError: if the speed does not come.
        """
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            self.until_state("disarmed", "faulted")
            self.send(STANDING)
            success, message = self.insist_on_arming()
            if not success:
                raise RuntimeError(f"arming refused: {message}")
            self.until_heard()
            self.send(twist)
            if self._reaches(np.linalg.norm(twist)):
                return
        raise TimeoutError(f"full speed has not come: {self.status}")

    def until_rest(self):
        """Wait until the camera stands still."""
        end = time.monotonic() + _PATIENCE_S
        while not self._moves_at(0.0):
            if time.monotonic() > end:
                raise TimeoutError(f"the arm does not come to rest: {self.status}")
            time.sleep(0.01)

    def until_told(self):
        """Wait for the next report of the driver."""
        before = self.status
        self.until(lambda: self.status is not before, "a report")

    def until_heard(self):
        """Wait until the driver tells what it knows of all that has happened before.

        For two reports: the next one may be older than that, as an answer before its state.
        """
        self.until_told()
        self.until_told()

    def _reaches(self, speed_m_s):
        """Whether the arm comes to a speed while the driver is armed."""
        end = time.monotonic() + _PATIENCE_S
        while self.status["state"] == "armed" and time.monotonic() < end:
            if self._moves_at(speed_m_s):
                return True
            time.sleep(0.01)
        return False

    def _moves_at(self, speed_m_s):
        error = abs(linear_speed(self.box) - speed_m_s)
        return error <= 0.02 * speed_m_s + _SPEED_TOLERANCE_M_S

    def insist_on_arming(self):
        """Arm, again while a refusal is about to pass; (success, message)."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            success, message = self.request("arm")
            if success or not message.startswith(_PASSING) or time.monotonic() > end:
                return success, message

    def home(self, q):
        """Jog to joint angles, which needs the driver to have released control."""
        end = time.monotonic() + _PATIENCE_S
        while self.pendant.status()["program_running"]:
            if time.monotonic() > end:
                raise TimeoutError(f"the driver does not release control: {self.status}")
            time.sleep(0.01)
        self.pendant.move_joints(q, speed_rad_s=1.0)

    # Messages

    def _tell(self, **message):
        self.driver.stdin.write(json.dumps(message) + "\n")
        self.driver.stdin.flush()

    def _read(self, stream):
        for line in stream:
            message = json.loads(line)
            with self._changed:
                if "success" in message:
                    self._answers.append(message)
                else:
                    self.status = message
                self._changed.notify_all()
        with self._changed:
            self.status = _UNKNOWN | {"state": GONE}
            self._changed.notify_all()
