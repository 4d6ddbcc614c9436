"""Messages between the nodes: nothing is lost on the way, malformed ones are refused."""

from array import array

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from cns_core import Correspondence, PinholeCamera
from cns_core.geometry import se3
from cns_ros.ros.camera_info import camera_from_info, info_from_camera
from cns_ros.ros.matches import correspondence_from_matches, matches_from_correspondence
from cns_ros.ros.poses_twists import (
    pose_from_message,
    pose_message,
    twist_from_message,
    twist_message,
)

HEADER = Header(frame_id="camera_optical_frame")
CAMERA = PinholeCamera(640, 480, 540.0, 545.0, 320.0, 240.0, (-0.1, 0.01, 0.0, 0.0, 0.0))
RNG = np.random.default_rng(0)
MATCHES = Correspondence(
    RNG.uniform(-0.5, 0.5, (20, 2)),
    RNG.uniform(-0.5, 0.5, (20, 2)),
    np.arange(20) % 3 > 0,
    np.where(np.arange(20) % 2, 1e-4, np.nan),
)


def test_a_correspondence_survives_its_message():
    message = matches_from_correspondence(MATCHES, HEADER)
    received = correspondence_from_matches(message)
    np.testing.assert_allclose(received.desired, MATCHES.desired, atol=1e-7)
    np.testing.assert_allclose(received.current, MATCHES.current, atol=1e-7)
    np.testing.assert_array_equal(received.matched, MATCHES.matched)
    np.testing.assert_allclose(received.deviation, MATCHES.deviation, rtol=1e-6)
    assert message.header.frame_id == HEADER.frame_id
    assert not message.is_dense


def test_matches_recorded_without_deviations_are_understood():
    message = matches_from_correspondence(MATCHES, HEADER)
    points = np.frombuffer(message.data, np.uint8).reshape(20, 28)
    message.data = array("B", points[:, :24].tobytes())
    message.fields, message.point_step, message.row_step = message.fields[:-1], 24, 480
    received = correspondence_from_matches(message)
    np.testing.assert_allclose(received.current, MATCHES.current, atol=1e-7)
    np.testing.assert_array_equal(received.matched, MATCHES.matched)
    assert np.isnan(received.deviation).all()


def test_the_same_target_stays_the_same():
    first, second = (
        correspondence_from_matches(matches_from_correspondence(MATCHES, HEADER)) for _ in range(2)
    )
    assert first.same_target(second.desired)


def info_with(**fields):
    return CameraInfo(**({"width": 640, "height": 480, "k": [500.0] * 9} | fields))


def test_matches_of_another_layout_are_refused():
    message = matches_from_correspondence(MATCHES, HEADER)
    message.fields[3].name = "intensity"
    with pytest.raises(ValueError, match="must have the fields"):
        correspondence_from_matches(message)


def test_truncated_matches_are_refused():
    message = matches_from_correspondence(MATCHES, HEADER)
    message.data = message.data[:-28]
    with pytest.raises(ValueError, match="need 560 bytes, got 532"):
        correspondence_from_matches(message)


def test_matches_that_are_not_finite_are_refused():
    message = matches_from_correspondence(MATCHES, HEADER)
    sighted = 28 * int(np.flatnonzero(MATCHES.matched)[0])
    message.data[sighted : sighted + 4] = type(message.data)("B", np.float32(np.nan).tobytes())
    with pytest.raises(ValueError, match="finite"):
        correspondence_from_matches(message)


def test_a_camera_survives_its_message():
    assert camera_from_info(info_from_camera(CAMERA, HEADER)) == CAMERA


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (CameraInfo(width=640, height=480), "not calibrated"),
        (info_with(distortion_model="omni", d=[0.1] * 4), "model must be one of"),
        (info_with(distortion_model="equidistant", d=[0.1] * 5), "4 coefficients"),
        (info_with(distortion_model="plumb_bob", d=[0.1] * 6), "0 or 4 or 5 or 8 or 12 or 14"),
        (CameraInfo(width=0, height=480, k=[500.0] * 9), "width"),
    ],
)
def test_cameras_that_are_none_are_refused(info, reason):
    with pytest.raises(ValueError, match=reason):
        camera_from_info(info)


def test_a_twist_keeps_its_order():
    twist = twist_message(np.arange(6), HEADER).twist
    assert [twist.linear.x, twist.linear.y, twist.linear.z] == [0.0, 1.0, 2.0]
    assert [twist.angular.x, twist.angular.y, twist.angular.z] == [3.0, 4.0, 5.0]


def test_a_twist_survives_its_message():
    twist = RNG.normal(size=6)
    np.testing.assert_array_equal(twist_from_message(twist_message(twist, HEADER)), twist)


def test_a_pose_survives_its_message():
    T = se3.exp(np.array([0.1, -0.2, 0.3, 0.4, -2.0, 0.6]))
    message = pose_message(T, HEADER)
    np.testing.assert_allclose(pose_from_message(message), T, atol=1e-12)
    assert message.header.frame_id == HEADER.frame_id


def test_a_pose_keeps_its_order():
    quarter = se3.exp(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.5 * np.pi]))
    quarter[:3, 3] = 1.0, 2.0, 3.0
    pose = pose_message(quarter, HEADER).pose
    assert [pose.position.x, pose.position.y, pose.position.z] == [1.0, 2.0, 3.0]
    q = pose.orientation
    np.testing.assert_allclose([q.x, q.y, q.z, q.w], [0.0, 0.0, 0.5**0.5, 0.5**0.5], atol=1e-12)
