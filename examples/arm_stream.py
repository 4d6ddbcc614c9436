"""Stream camera twists to a UR arm without ROS: checked, limited, and stopped on every way out.

python examples/arm_stream.py                            # the simulated arm
python examples/arm_stream.py 192.168.0.10 hand_eye.yaml # a real one: it moves 2 cm and back!
"""

import math
import sys
import time
from contextlib import ExitStack

from cns_core.arm.driver import ArmDriver
from cns_core.arm.hand_eye import HandEye
from cns_core.arm.state_machine import State
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.link import UrLink
from cns_core.twin.robot.control_box import ControlBox

SWAY_M, SWAY_S = 0.02, 4.0
FRAME = "camera_optical_frame"


class Stream:
    """Offers a twist every period, since an arm that hears nothing stops and disarms."""

    def __init__(self, driver: ArmDriver):
        self._driver = driver

    def send(self, along_axis_m_s: float = 0.0) -> None:
        """One period of motion along the optical axis."""
        self._driver.poll()
        self._driver.offer([0, 0, along_axis_m_s, 0, 0, 0], FRAME, stamp_s=time.time())
        time.sleep(self._driver.config.period_s)

    def ask(self, action: str) -> None:
        """Arm or disarm, and wait for the answer."""
        answers: list[tuple[bool, str]] = []
        self._driver.request(action, lambda *answer: answers.append(answer))
        while not answers:
            self.send()
        success, message = answers[0]
        if not success:
            raise SystemExit(f"{action} refused: {message}")
        print(message)


def sway(config: UrConfig) -> None:
    """Arm, move to and fro once along the optical axis, disarm."""
    with ArmDriver(config, UrLink(config)) as driver:
        stream = Stream(driver)
        while driver.status.state == State.DISCONNECTED:
            stream.send()
        stream.ask("arm")
        start, elapsed_s = time.monotonic(), 0.0
        while elapsed_s < SWAY_S:
            elapsed_s = time.monotonic() - start
            stream.send(-math.pi * SWAY_M / SWAY_S * math.sin(2 * math.pi * elapsed_s / SWAY_S))
        stream.ask("disarm")


if __name__ == "__main__":
    with ExitStack() as stack:
        if len(sys.argv) > 1:
            address, hand_eye = sys.argv[1], HandEye.load(sys.argv[2])
        else:
            address, hand_eye = "127.0.0.61", HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
            stack.enter_context(ControlBox(address))
        sway(UrConfig(robot_ip=address, hand_eye=hand_eye))
