"""The driver's side of the link to a UR arm: what it says of a worker that is silent."""

import os
import signal
import time

import pytest
from support_box import quick_box, wait_until

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.state_machine import State
from cns_core.arm.ur import link as ur_link
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.link import UrLink


@pytest.mark.parametrize(
    ("action", "limit", "seconds"), [("arm", "_ARMING_S", 0.7), ("disarm", "_BUSY_S", 0.6)]
)
def test_the_limit_that_applied_is_the_one_that_is_named(
    robot_address, monkeypatch, action, limit, seconds
):
    monkeypatch.setattr(ur_link, limit, seconds)
    hand_eye = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
    with quick_box(robot_address):
        link = UrLink(UrConfig(robot_ip=robot_address, hand_eye=hand_eye))
        try:
            wait_until(lambda: link.poll().state == State.DISARMED)
            os.kill(link.worker_pid, signal.SIGSTOP)
            answers = []
            link.request(action, lambda *answer: answers.append(answer))
            wait_until(lambda: "did not answer" in link.poll().cause)
            assert link.status.cause == f"the link process ended: did not answer for {seconds} s"
            assert answers == [(False, link.status.cause)]
        finally:
            link.close()


def test_a_robot_that_is_not_there_is_named_and_arming_is_refused(robot_address):
    hand_eye = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
    link = UrLink(UrConfig(robot_ip=robot_address, hand_eye=hand_eye))
    try:
        wait_until(lambda: "Connection refused" in link.poll().cause)
        answers = []
        link.request("arm", lambda *answer: answers.append(answer))
        wait_until(lambda: link.poll() and answers)
        assert answers == [(False, link.status.cause)]
        link.command([0.0] * 6, time.monotonic())
    finally:
        link.close()
