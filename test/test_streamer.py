"""From arming to rest over an arm that a test can make do anything; no process, no ROS."""

import time

import numpy as np
import pytest

from cns_core.arm.config import MotionConfig
from cns_core.arm.driver import ArmDriver
from cns_core.arm.hand_eye import HandEye
from cns_core.arm.link import LinkLost, Refused
from cns_core.arm.local_link import LocalLink
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.streamer import Streamer

HAND_EYE = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
FORWARD = np.array([0.05, 0.0, 0.0, 0.0, 0.0, 0.1])

# A busy test machine may be late; what is tested here is not how late.
PATIENT = {"command_timeout_s": 1.0, "disarm_timeout_s": 10.0}


class Arm:
    """A transport that notes what it is sent."""

    def __init__(self):
        self.q, self.qd, self.measured_at, self.safety_stop = None, None, 0.0, ""
        self.wrong = self.refusal = self.lost = self.not_taken = ""
        self.sent, self.taken, self.released = [], 0, 0

    def read(self, now, moving):
        if self.lost:
            raise LinkLost(self.lost)

    def obstacle(self):
        return self.wrong

    def take_control(self):
        if self.not_taken:
            raise Refused(self.not_taken)
        self.taken += 1

    def fault(self, now):
        return self.safety_stop

    def send(self, twist, now):
        if not self.refusal:
            self.sent.append(twist)
        return self.refusal

    def release(self):
        self.released += 1


class Bench:
    """A streamer on such an arm, with a clock of its own."""

    def __init__(self, **settings):
        self.arm = Arm()
        self.config = MotionConfig(hand_eye=HAND_EYE, **settings)
        self.machine = StateMachine()
        self.faults = []
        self.streamer = Streamer(
            self.config, self.arm, self.machine, on_fault=lambda: self.faults.append(self.state)
        )
        self.streamer.connect()
        self.now = time.monotonic()

    @property
    def state(self):
        return self.machine.state

    def offer(self, twist=FORWARD):
        self.streamer.path.offer(twist, self.now)

    def tick(self, count=1, twist=None):
        for _ in range(count):
            self.now += self.config.period_s
            if twist is not None:
                self.offer(twist)
            self.streamer.tick(self.now)


@pytest.fixture
def armed():
    bench = Bench()
    bench.now = time.monotonic()
    bench.offer()
    bench.streamer.arm()
    return bench


def test_nothing_is_sent_before_arming():
    bench = Bench()
    bench.tick(20, FORWARD)
    assert bench.state == State.DISARMED
    assert (bench.arm.sent, bench.arm.taken) == ([], 0)


def test_it_starts_from_rest_and_reaches_the_twist(armed):
    armed.tick(50, FORWARD)
    speeds = np.linalg.norm(armed.arm.sent, axis=1)
    assert 0.0 < speeds[0] < 0.75 * speeds[-1]
    np.testing.assert_allclose(armed.arm.sent[-1], FORWARD, atol=1e-6)
    np.testing.assert_array_equal(armed.streamer.status(armed.now).sent, armed.arm.sent[-1])


def test_disarming_brakes_sends_the_zeros_and_is_answered_at_rest(armed):
    armed.tick(20, FORWARD)
    answers = []
    armed.streamer.disarm(lambda *answer: answers.append(answer))
    assert armed.state == State.STOPPING and not answers
    armed.tick(60, FORWARD)
    assert answers == [(True, "disarmed")]
    assert (armed.state, armed.arm.released) == (State.DISARMED, 1)
    zeros = armed.config.stop_zeros
    assert not np.any(armed.arm.sent[-zeros:]) and np.any(armed.arm.sent[-zeros - 1])


def test_silence_brakes_and_then_disarms(armed):
    armed.tick(20, FORWARD)
    armed.tick(60)
    assert armed.state == State.DISARMED
    assert armed.machine.last_stop.startswith("command timeout: no twist for")
    assert "allowed 0.5 s" in armed.machine.last_stop


def test_a_fault_ends_the_stream_at_once_and_is_told_before_control_is_given_back(armed):
    armed.tick(20, FORWARD)
    sent = len(armed.arm.sent)
    armed.arm.safety_stop = "protective stop"
    armed.tick(10, FORWARD)
    assert (armed.state, armed.machine.cause) == (State.FAULTED, "protective stop")
    assert (len(armed.arm.sent), armed.arm.released, armed.faults) == (sent, 1, [State.FAULTED])


def test_a_safety_stop_at_rest_is_a_fault_as_well():
    bench = Bench()
    bench.arm.safety_stop = "robot emergency stop"
    bench.tick()
    assert (bench.state, bench.machine.cause) == (State.FAULTED, "robot emergency stop")


def test_a_command_refused_while_braking_is_a_fault_and_no_rest(armed):
    armed.tick(20, FORWARD)
    answers = []
    armed.streamer.disarm(lambda *answer: answers.append(answer))
    armed.tick(5)
    armed.arm.refusal = "the controller refused a command"
    armed.tick(60)
    assert (armed.state, armed.machine.cause) == (State.FAULTED, "the controller refused a command")
    assert answers == [(True, "disarmed")]


@pytest.mark.parametrize("where", ["wrong", "not_taken"])
def test_what_the_arm_says_against_it_refuses_arming(where):
    bench = Bench()
    setattr(bench.arm, where, "the brakes are closed")
    bench.now = time.monotonic()
    bench.offer()
    with pytest.raises(Refused, match="the brakes are closed"):
        bench.streamer.arm()
    assert bench.state == State.DISARMED


def test_arming_needs_a_fresh_twist():
    with pytest.raises(Refused, match="no fresh twist: none has come yet"):
        Bench().streamer.arm()


def test_a_dry_run_takes_no_control_and_sends_nothing_but_tells_what_it_would():
    bench = Bench(dry_run=True)
    bench.now = time.monotonic()
    bench.offer()
    bench.streamer.arm()
    bench.tick(20, FORWARD)
    assert (bench.arm.sent, bench.arm.taken) == ([], 0)
    assert bench.streamer.sent.any()


def test_a_local_link_follows_the_arm_in_and_out_of_the_connection():
    arm = Arm()
    arm.lost = "nobody listens"
    link = LocalLink(MotionConfig(hand_eye=HAND_EYE, **PATIENT), arm)
    answers = []
    link.request("arm", lambda *answer: answers.append(answer))
    assert answers == [(False, "nobody listens")]
    arm.lost = ""
    link.tick()
    assert link.poll().state == State.DISARMED
    link.command(FORWARD, time.monotonic())
    link.request("arm", lambda *answer: answers.append(answer))
    link.tick()
    assert (answers[1], link.poll().state) == ((True, "armed"), State.ARMED)
    arm.lost = "nobody listens any more"
    link.tick()
    assert (link.poll().state, link.poll().cause) == (State.DISCONNECTED, "nobody listens any more")
    assert arm.released
    with pytest.raises(ValueError, match="action must be 'arm' or 'disarm', got 'go'"):
        link.request("go", print)


def test_the_driver_lets_through_what_the_gate_admits():
    arm = Arm()
    config = MotionConfig(hand_eye=HAND_EYE, **PATIENT)
    link = LocalLink(config, arm)
    with ArmDriver(config, link) as driver:
        with pytest.raises(ValueError, match="must be in frame 'camera_optical_frame'"):
            driver.offer(FORWARD, "tool0", 5.0, 5.0)
        driver.offer(FORWARD, "camera_optical_frame", 5.0, 5.01)
        link.tick()
        assert driver.poll().command_age_s < config.command_timeout_s
        assert driver.gate.refused.total() == 1
    assert arm.released


def test_a_disarm_timeout_below_the_command_timeout_is_refused():
    with pytest.raises(ValueError, match="disarm_timeout_s must be at least command_timeout_s"):
        MotionConfig(hand_eye=HAND_EYE, command_timeout_s=0.4, disarm_timeout_s=0.2)
