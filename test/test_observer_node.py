"""The observer node over real DDS: the desired image, matches, and every kind of bad image."""

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from ros_graph import with_parameters
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from sklearn.datasets import load_sample_image
from std_msgs.msg import Header

from cns_core import PinholeCamera
from cns_core.stamp_watch import ENOUGH
from cns_ros.nodes.observer import ObserverNode
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.clock import age_s
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.matches import correspondence_from_matches
from cns_ros.ros.qos import LATCHED, NEWEST

CAMERA = PinholeCamera(320, 240, 270.0, 270.0, 160.0, 120.0)
PHOTO = np.ascontiguousarray(load_sample_image("china.jpg")[60:300, 60:380, ::-1])


class Rig:
    """A fake camera in front of a real observer node."""

    def __init__(self, graph, frozen_images=0, **parameters):
        self.graph = graph
        self.observer = graph.add(
            with_parameters(ObserverNode, tracking=False, frozen_images=frozen_images, **parameters)
        )
        self.image = graph.node.create_publisher(Image, "image", NEWEST)
        self.info = graph.node.create_publisher(CameraInfo, "camera_info", NEWEST)
        self.matches = graph.collect(PointCloud2, "matches", NEWEST)

    def shoot(self, image=PHOTO, camera=CAMERA, ahead_s=0.0, stamp=None):
        now = self.graph.node.get_clock().now() + Duration(nanoseconds=int(1e9 * ahead_s))
        stamp = now.to_msg() if stamp is None else stamp
        header = Header(stamp=stamp, frame_id="camera_optical_frame")
        if camera is not None:
            self.info.publish(info_from_camera(camera, header))
        self.image.publish(encode(image, header))

    def set_desired(self, image=PHOTO):
        self.see(image)
        return self.graph.call("observer/set_desired")

    def see(self, image=PHOTO, camera=CAMERA):
        """Publish until the node holds an image like this one."""
        newest = self.observer.newest
        self.graph.until(
            lambda: self.observer.newest is not newest and not self.waits_for_camera(camera),
            lambda: self.shoot(image, camera),
        )

    def waits_for_camera(self, camera):
        return camera is not None and self.observer.camera != camera


@pytest.fixture
def rig(ros_graph):
    return Rig(ros_graph)


def test_the_desired_image_seen_again_matches_itself(rig):
    answer = rig.set_desired()
    assert answer.success, answer.message
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, rig.shoot)
    message = rig.matches[-1]
    correspondence = correspondence_from_matches(message)
    assert answer.message == f"{len(correspondence.desired)} keypoints"
    assert correspondence.count > 0.8 * len(correspondence.desired)
    assert correspondence.error < 1e-4
    assert message.header.frame_id == "camera_optical_frame"


def test_a_shift_is_seen_as_a_shift(rig):
    assert rig.set_desired().success
    moved = np.roll(PHOTO, 9, axis=1)
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, lambda: rig.shoot(moved))
    correspondence = correspondence_from_matches(rig.matches[-1])
    seen = correspondence.matched
    shift = np.median(correspondence.current[seen] - correspondence.desired[seen], axis=0)
    np.testing.assert_allclose(shift * CAMERA.fx, [9.0, 0.0], atol=0.1)


def test_no_desired_image_without_an_image(ros_graph):
    Rig(ros_graph)
    answer = ros_graph.call("observer/set_desired")
    assert not answer.success
    assert "no image received" in answer.message


def test_no_desired_image_without_camera_info(rig):
    rig.see(camera=None)
    answer = rig.graph.call("observer/set_desired")
    assert not answer.success
    assert "no camera_info" in answer.message


def test_a_blank_image_is_no_desired_image(rig):
    answer = rig.set_desired(np.full_like(PHOTO, 127))
    assert not answer.success
    assert "keypoints" in answer.message


def test_a_refused_desired_image_leaves_the_old_one(rig):
    assert rig.set_desired().success
    assert not rig.set_desired(np.full_like(PHOTO, 127)).success
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, rig.shoot)
    assert correspondence_from_matches(rig.matches[-1]).error < 1e-4


def test_images_of_another_size_give_no_matches(rig):
    assert rig.set_desired().success
    rig.matches.clear()
    rig.graph.until(
        lambda: rig.observer.problem,
        lambda: rig.shoot(np.ascontiguousarray(PHOTO[:200]), camera=None),
    )
    assert "320x200" in rig.observer.problem
    assert not rig.matches


def test_an_unknown_encoding_is_named(rig):
    assert rig.set_desired().success

    def shoot():
        strange = encode(PHOTO, Header(stamp=rig.graph.node.get_clock().now().to_msg()))
        strange.encoding = "32FC3"
        rig.image.publish(strange)

    rig.graph.until(lambda: rig.observer.problem, shoot)
    assert "32FC3" in rig.observer.problem


def test_repeated_and_older_images_are_never_worked_on(rig):
    assert rig.set_desired().success
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, rig.shoot)
    newest = rig.matches[-1].header.stamp
    older = Time(sec=newest.sec - (newest.nanosec < 1e8), nanosec=(newest.nanosec - 10**8) % 10**9)
    answered = rig.observer.observe_ms.count
    for stamp in (newest, older, newest):
        rig.image.publish(encode(PHOTO, Header(stamp=stamp)))
    rig.see()
    assert rig.observer.observe_ms.count == answered + 1


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [(Time(), "images carry no time stamp (0)"), (Time(sec=1700000000), "bear the same stamp")],
)
def test_stamps_that_tell_nothing_are_named_by_everything_that_is_refused(rig, stamp, reason):
    gate = rig.observer.gate
    rig.graph.until(lambda: gate.stamps.unfit > ENOUGH, lambda: rig.shoot(stamp=stamp))
    assert reason in rig.observer.problem
    rig.graph.until(
        lambda: reason in rig.graph.call("observer/set_desired").message,
        lambda: rig.shoot(stamp=stamp),
    )


def test_stamps_that_are_set_right_are_no_problem_any_more(rig):
    rig.graph.until(lambda: rig.observer.problem, lambda: rig.shoot(stamp=Time()))
    rig.see()
    assert rig.observer.problem == ""


def test_without_stamps_the_time_of_arrival_may_be_taken(ros_graph):
    rig = Rig(ros_graph, stamp="receive")
    rig.graph.until(lambda: rig.observer.newest, lambda: rig.shoot(stamp=Time()))
    assert rig.graph.call("observer/set_desired").success
    rig.graph.until(lambda: rig.matches, lambda: rig.shoot(stamp=Time()))
    assert abs(age_s(rig.observer, rig.matches[-1].header.stamp)) < 20.0
    assert rig.observer.problem == ""


def test_a_clock_ahead_is_named_while_the_images_are_worked_on(rig):
    assert rig.set_desired().success
    rig.graph.until(lambda: "in the future" in rig.observer.problem, lambda: rig.shoot(ahead_s=9.0))
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, lambda: rig.shoot(ahead_s=9.0))
    rig.graph.until(lambda: not rig.observer.problem, rig.shoot)


def test_one_bad_stamp_is_dropped(rig):
    assert rig.set_desired().success
    newest = rig.observer.newest
    rig.graph.until(lambda: rig.observer.gate.refusal, lambda: rig.shoot(ahead_s=3600.0))
    assert rig.observer.newest is newest
    rig.see()
    assert rig.observer.problem == ""


def test_a_camera_that_has_stopped_is_told_from_one_with_bad_stamps(rig):
    rig.graph.until(lambda: rig.observer.gate.refusal, lambda: rig.shoot(stamp=Time()))
    rig.graph.until(
        lambda: "the camera has stopped" in rig.graph.call("observer/set_desired").message
    )


def test_a_frozen_camera_is_noticed_and_its_images_left_out(ros_graph):
    rig = Rig(ros_graph, frozen_images=3)
    noise = np.random.default_rng(0).integers(0, 3, (8, *PHOTO.shape), np.uint8)
    noisy = iter([cv2.add(PHOTO, grain) for grain in noise])
    assert rig.set_desired(next(noisy)).success
    frozen = next(noisy)
    rig.graph.until(lambda: rig.observer.problem, lambda: rig.shoot(frozen))
    assert "frozen camera: 3 images" in rig.observer.problem
    answered = rig.observer.observe_ms.count
    assert answered <= 3
    rig.graph.until(lambda: rig.observer.gate.repetitions > 5, lambda: rig.shoot(frozen))
    assert rig.observer.observe_ms.count == answered
    rig.see(next(noisy))
    assert rig.observer.observe_ms.count == answered + 1
    assert rig.observer.problem == ""


def test_a_latched_desired_image_waits_for_the_camera(rig):
    publisher = rig.graph.node.create_publisher(Image, "desired_image", LATCHED)
    publisher.publish(encode(PHOTO, Header()))
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, rig.shoot)
    assert correspondence_from_matches(rig.matches[-1]).error < 1e-4


def test_a_desired_image_from_a_file(ros_graph, tmp_path):
    path = tmp_path / "desired.png"
    cv2.imwrite(str(path), PHOTO)
    rig = Rig(ros_graph, desired_image_path=str(path))
    rig.graph.until(lambda: rig.matches, rig.shoot)
    assert correspondence_from_matches(rig.matches[-1]).error < 1e-4


def test_a_desired_image_file_that_is_none_is_refused(ros_graph, tmp_path):
    with pytest.raises(ValueError, match="desired_image_path"):
        with_parameters(ObserverNode, desired_image_path=str(tmp_path / "none.png"))


def test_the_debug_image_is_drawn_for_who_looks(rig):
    pictures = rig.graph.collect(Image, "observer/debug_image", NEWEST)
    assert rig.set_desired().success
    rig.graph.until(lambda: pictures, rig.shoot)
    assert (decode(pictures[-1]) != PHOTO).any()
