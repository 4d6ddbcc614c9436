"""The small parts of the link to the arm: channel, schedule, lag, follow check, preflight."""

import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from cns_core.arm.follow_check import FollowCheck
from cns_core.arm.schedule import Schedule
from cns_core.arm.ur.channel import Channel, ChannelClosed
from cns_core.arm.ur.preflight import DASHBOARD_PORT, Unreachable, ask_dashboard, check_reachable
from cns_core.lag import Lag

AHEAD = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0])


@pytest.fixture
def channels():
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    yield ours, other
    ours.close()
    other.close()


def test_messages_keep_their_order_and_boundaries(channels):
    ours, other = channels
    assert other.receive() == []
    ours.send(twist=[1.0] * 6)
    ours.send(request="arm", id=1)
    assert other.receive(1.0) == [{"twist": [1.0] * 6}, {"request": "arm", "id": 1}]


def test_sending_never_blocks(channels):
    ours, _ = channels
    while ours.send(filler="x" * 1000):
        pass
    assert not ours.send(filler="x" * 1000)


def test_the_last_words_of_a_lost_process_are_heard(channels):
    ours, other = channels
    ours.send(report="dying")
    ours.close()
    assert other.receive(1.0) == [{"report": "dying"}]
    with pytest.raises(ChannelClosed):
        other.receive(1.0)
    with pytest.raises(ChannelClosed):
        other.send(twist=[])


def test_a_late_tick_does_not_delay_the_next_ones():
    schedule = Schedule(0.04, now=10.0)
    for now in (10.0, 10.04, 10.11, 10.12):
        schedule.tick(now)
    assert schedule.remaining(10.12) == pytest.approx(0.04)
    assert schedule.missed == 0


def test_missed_ticks_are_left_out():
    schedule = Schedule(0.04, now=0.0)
    schedule.tick(0.0)
    schedule.tick(0.21)
    assert schedule.missed == 4
    assert schedule.remaining(0.21) == pytest.approx(0.03)
    assert schedule.metrics()["jitter_p99_ms"] == pytest.approx(170.0)
    schedule.restart(5.0)
    assert schedule.metrics() == {}
    assert schedule.remaining(5.0) == 0.0


def test_lag_is_what_is_more_than_the_offset_of_the_clocks():
    lag = Lag()
    assert lag.measure(5.0, 100.0) == 0.0
    assert lag.measure(5.04, 100.04) == pytest.approx(0.0, abs=2e-3)
    assert lag.measure(5.04, 100.19) == pytest.approx(0.15, abs=5e-3)
    assert lag.measure(1.0, 100.2) == pytest.approx(4.2, abs=0.01)


def test_a_slow_drift_of_the_clocks_is_no_lag():
    lag = Lag()
    assert max(lag.measure(t * (1 - 1e-4), t) for t in np.arange(0.0, 600.0, 0.5)) < 0.01


def follow(check, measured_of, sent_of, ticks=50):
    """What the check says at each tick of 0.04 s."""
    for k in range(ticks):
        now = k * 0.04
        yield check.deviation(measured_of(now), now)
        check.sent(sent_of(now), now)


def ramp(time_s):
    return AHEAD * np.clip(time_s / 0.2, 0.0, 1.0)


def test_an_arm_that_is_a_little_late_follows():
    check = FollowCheck(window_s=0.18, patience_s=0.1)
    assert not any(follow(check, lambda t: ramp(t - 0.06), ramp))


def test_an_arm_that_does_not_start_does_not_follow():
    check = FollowCheck(window_s=0.18, patience_s=0.1)
    causes = list(follow(check, lambda t: np.zeros(6), ramp))
    assert "the arm does not follow (off by" in causes[-1]
    assert not any(causes[:5])


def test_the_speed_slider_may_slow_the_arm_down():
    check = FollowCheck(window_s=0.18, patience_s=0.1)
    for k in range(50):
        assert not check.deviation(0.4 * ramp(k * 0.04 - 0.04), k * 0.04, speed_scaling=0.4)
        check.sent(ramp(k * 0.04), k * 0.04)


def test_an_unreachable_host_is_named(robot_address):
    with pytest.raises(Unreachable, match=f"{robot_address}:29999: Connection refused"):
        check_reachable(robot_address)


@pytest.fixture
def stranger(robot_address):
    """Something that listens on the dashboard's port and says what it is told to say."""
    with socket.create_server((robot_address, DASHBOARD_PORT)) as server:
        words = []

        def serve():
            connection, _ = server.accept()
            with connection:
                for word in words:
                    connection.sendall(word)
                connection.recv(100)

        thread = threading.Thread(target=serve, daemon=True)
        yield robot_address, words, thread


def test_a_host_that_stays_silent_is_given_up(stranger):
    host, _, thread = stranger
    thread.start()
    with pytest.raises(Unreachable, match="does not answer within 0.1 s"):
        ask_dashboard(host, "running", timeout_s=0.1)


def test_a_host_that_is_no_robot_is_named(stranger):
    host, words, thread = stranger
    words.append(b"SSH-2.0-OpenSSH\n")
    thread.start()
    with pytest.raises(Unreachable, match="is no UR dashboard, it said b'SSH-2.0-OpenSSH"):
        ask_dashboard(host, "running")


def test_the_kernel_ends_a_process_that_hangs_in_native_code():
    # A lock of the C library, taken twice while the interpreter is held, never lets go.
    code = (
        "import ctypes; from cns_core.arm.ur.deadline import deadline\n"
        "lock = ctypes.create_string_buffer(64); library = ctypes.PyDLL(None)\n"
        "with deadline(0.2):\n"
        "    library.pthread_mutex_lock(lock); library.pthread_mutex_lock(lock)\n"
    )
    hung = subprocess.run([sys.executable, "-c", code], timeout=30)
    assert hung.returncode == -signal.SIGALRM
