"""Poses at the times of images: interpolated, integrated from twists; how late motion follows."""

import numpy as np
import pytest

from cns_core.geometry import se3
from cns_core.structure.commands import Commands
from cns_core.structure.delay import DelayMeter
from cns_core.structure.odometry import PoseHistory, TwistOdometry, interpolate

DT = 0.04
TWIST = np.array([0.1, -0.05, 0.2, 0.3, -0.1, 0.8])


def twist_at(n):
    """Twists as a servo gives them: they begin with a jump and die away, wavering."""
    return TWIST * np.exp(-n / 30.0) * (1.0 + 0.5 * np.sin(0.7 * n + np.arange(6)))


def moved(frames, lag_frames, start=None):
    """Poses of a camera at each frame that obeys the twist of ``lag_frames`` frames ago."""
    T, poses = np.eye(4) if start is None else start, []
    for n in range(frames):
        poses.append(T)
        if n >= lag_frames:
            T = T @ se3.exp(DT * twist_at(n - lag_frames))
    return poses


def test_a_pose_between_two_is_on_the_way_between_them():
    history = PoseHistory()
    start, end = np.eye(4), se3.pose(se3.exp([0, 0, 0, 0, 0, 1.0])[:3, :3], (0.2, 0.0, 0.0))
    history.add(1.0, start)
    history.add(1.1, end)
    between = history.at(1.05)
    np.testing.assert_allclose(between[:3, 3], (0.1, 0.0, 0.0))
    assert se3.rotation_error_deg(between, start) == pytest.approx(np.degrees(0.5))
    np.testing.assert_array_equal(history.at(1.0), start)
    np.testing.assert_array_equal(history.at(1.1), end)
    np.testing.assert_allclose(interpolate(start, end, 1.0), end, atol=1e-12)


def test_no_pose_is_made_up():
    history = PoseHistory(longest_s=1.0, largest_gap_s=0.2)
    assert history.at(0.0) is None
    history.add(0.0, np.eye(4))
    history.add(0.5, np.eye(4))
    assert history.at(-0.1) is None
    assert history.at(0.6) is None
    assert history.at(0.25) is None
    history.add(2.0, np.eye(4))
    assert history.at(0.5) is None
    assert history.at(2.0) is not None


def test_poses_out_of_order_are_ignored():
    history = PoseHistory()
    history.add(1.0, np.eye(4))
    history.add(0.9, 2.0 * np.eye(4))
    history.add(float("nan"), 2.0 * np.eye(4))
    assert history.at(0.9) is None
    np.testing.assert_array_equal(history.at(1.0), np.eye(4))


@pytest.mark.parametrize("lag_frames", [0, 1, 3])
def test_twists_are_integrated_from_when_they_are_obeyed(lag_frames):
    odometry = TwistOdometry(lag_frames * DT)
    for n, expected in enumerate(moved(40, lag_frames)):
        T = odometry.at(n * DT)
        np.testing.assert_allclose(T, expected, atol=1e-9)
        odometry.give(n * DT, twist_at(n))


@pytest.mark.parametrize("lag_s", [-0.1, float("nan")])
def test_a_lag_that_is_none_is_refused(lag_s):
    with pytest.raises(ValueError, match="lag_s"):
        TwistOdometry(lag_s)


def measured(lag_frames, frames=60, obeyed=True):
    commands = Commands()
    meter = DelayMeter(commands)
    rng = np.random.default_rng(0)
    poses = moved(frames, lag_frames) if obeyed else [np.eye(4)] * frames
    for n, T in enumerate(poses):
        noisy = T.copy()
        noisy[:3, 3] += rng.normal(0.0, 2e-5, 3)
        meter.measure(n * DT, noisy)
        commands.give(n * DT, twist_at(n))
    return meter.delay_s


@pytest.mark.parametrize("lag_frames", [0, 2, 5, 10])
def test_the_delay_is_measured_to_half_a_frame(lag_frames):
    assert measured(lag_frames) == pytest.approx(lag_frames * DT, abs=0.5 * DT)


def test_a_camera_that_does_not_obey_tells_no_delay():
    assert measured(2, obeyed=False) is None
    assert DelayMeter(Commands()).delay_s is None


def test_the_motion_is_thought_on_for_a_moment_and_no_longer():
    history = PoseHistory(ahead_s=0.05)
    for k in range(3):
        history.add(0.02 * k, se3.exp(0.02 * k * np.array([0.1, 0.0, 0.2, 0.0, 0.5, 0.0])))
    on = se3.exp(0.08 * np.array([0.1, 0.0, 0.2, 0.0, 0.5, 0.0]))
    np.testing.assert_allclose(history.at(0.08), on, atol=3e-4)
    assert history.at(0.1) is None
