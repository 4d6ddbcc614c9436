"""The driver's side of the link to a UR arm: what it says of a worker that is silent."""

import os
import signal
import time

import numpy as np
import pytest
from support_box import quick_box, wait_until

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.state_machine import State
from cns_core.arm.ur import link as ur_link
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.link import UrLink
from cns_core.twin.robot.pendant import Pendant


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


def test_measurements_are_told_between_the_ticks_too(robot_address):
    hand_eye = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
    config = UrConfig(robot_ip=robot_address, hand_eye=hand_eye)
    measured = []
    with quick_box(robot_address):
        link = UrLink(config)

        def told():
            status = link.poll()
            new = status.q is not None and status.measured_at not in measured
            measured.extend([status.measured_at] * new)
            return len(measured) >= 30

        try:
            wait_until(told)
        finally:
            link.close()
    assert np.median(np.diff(measured)) < 0.75 * config.period_s


@pytest.mark.parametrize("field", ["slider", pytest.param("scaling", marks=pytest.mark.slow)])
def test_an_arm_that_is_slowed_down_to_half_follows_at_half_the_speed(robot_address, field):
    hand_eye = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
    # Twists that are late on a busy machine are another matter.
    config = UrConfig(
        robot_ip=robot_address,
        hand_eye=hand_eye,
        command_timeout_s=0.5,
        feedback_timeout_s=1.0,
        watchdog_hz=2.0,
    )
    back = [0.0, 0.0, -0.15, 0.0, 0.0, 0.0]

    def until(condition):
        def send_and_ask():
            link.command(back, time.monotonic())
            link.poll()
            return condition()

        wait_until(send_and_ask)

    with quick_box(robot_address) as box, Pendant(robot_address) as pendant:
        if field == "slider":
            pendant.set_speed_slider(0.5)
        else:
            pendant.inject("slowed_down", scaling=0.5)
        link = UrLink(config)
        try:
            until(lambda: link.status.state == State.DISARMED)
            until(lambda: link.status.command_age_s < 0.2)
            answers = []
            link.request("arm", lambda *answer: answers.append(answer))
            until(lambda: answers)
            assert answers == [(True, "armed")]
            armed_s = time.monotonic()
            # Far longer than an arm may be seen not to follow.
            until(lambda: box.state().time_s > armed_s + config.feedback_timeout_s + 1.5)
            assert (link.status.state, link.status.cause) == (State.ARMED, "")
            speed = np.linalg.norm(box.motion_log(armed_s).tcp_velocity[:, :3], axis=1)
            assert speed.max() == pytest.approx(0.075, abs=2e-3)
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
