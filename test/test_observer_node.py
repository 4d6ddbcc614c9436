"""The observer node over real DDS: the desired image, matches, and every kind of bad image."""

from contextlib import contextmanager
from functools import partial

import cv2
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.duration import Duration
from ros_graph import with_parameters
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from sklearn.datasets import load_sample_image
from std_msgs.msg import Header

from cns_core import PinholeCamera
from cns_core.stamp_watch import ENOUGH
from cns_ros.nodes.observer import ObserverNode
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.clock import age_s
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.matches import correspondence_from_matches
from cns_ros.ros.participation import Participation
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED

CAMERA = PinholeCamera(320, 240, 270.0, 270.0, 160.0, 120.0)
PHOTO = np.ascontiguousarray(load_sample_image("china.jpg")[60:300, 60:380, ::-1])


class Rig:
    """A fake camera in front of a real observer node."""

    def __init__(self, graph, frozen_images=0, cli_args=None, **parameters):
        self.graph = graph
        make_node = partial(ObserverNode, cli_args=cli_args)
        self.observer = graph.add(
            with_parameters(
                make_node, frozen_images=frozen_images, **{"tracking": False, **parameters}
            )
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


def diagnosed(rig, words, do):
    """Wait until the node's diagnosis says these words."""
    diagnoses = rig.graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    rig.graph.until(lambda: diagnoses and words in diagnoses[-1].status[0].message, do)


def test_the_encoding_may_change_midway_and_a_name_of_the_cameras_is_told(rig):
    grey = cv2.cvtColor(PHOTO, cv2.COLOR_BGR2GRAY) if PHOTO.ndim == 3 else PHOTO
    assert rig.set_desired().success
    for image in (grey, np.dstack([grey] * 3), grey):
        rig.matches.clear()
        rig.graph.until(lambda: len(rig.matches) > 1, partial(rig.shoot, image))
        assert correspondence_from_matches(rig.matches[-1]).count > 100

    def shoot_as_the_camera_calls_it():
        message = encode(grey, Header(stamp=rig.graph.node.get_clock().now().to_msg()))
        message.encoding = "BayerRG8"
        rig.image.publish(message)

    diagnosed(rig, "did you mean 'bayer_rggb8'?", shoot_as_the_camera_calls_it)
    diagnosed(rig, "observing", partial(rig.shoot, grey))


def test_a_camera_info_that_turns_bad_is_named_until_a_good_one_comes(rig):
    assert rig.set_desired().success

    def shoot_with_bad_info():
        info = info_from_camera(CAMERA, Header())
        info.k = [1e-300, *info.k[1:]]
        rig.info.publish(info)
        rig.shoot(camera=None)

    diagnosed(rig, "camera_info has fx = 1e-300", shoot_with_bad_info)
    assert rig.observer.camera == CAMERA
    diagnosed(rig, "observing", rig.shoot)


@pytest.mark.parametrize(("kind", "topic"), [(Image, "image"), (CameraInfo, "camera_info")])
def test_two_cameras_on_one_topic_are_named_and_give_no_goal(rig, kind, topic):
    rig.see()
    second = rig.graph.node.create_publisher(kind, topic, NEWEST)
    said = f"2 publishers of /{topic} (/test, /test): stop all but one"
    diagnosed(rig, said, rig.shoot)
    answer = rig.graph.call("observer/set_desired")
    assert not answer.success and said in answer.message
    rig.graph.node.destroy_publisher(second)
    rig.graph.until(lambda: rig.set_desired().success)


def test_simulated_time_that_nobody_tells_is_named(ros_graph):
    rig = Rig(ros_graph, use_sim_time=True)
    assert rig.set_desired().success
    diagnosed(rig, "use_sim_time is set, and nobody publishes /clock", rig.shoot)


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


def test_what_has_become_of_a_desired_image_is_told_with_its_stamp(rig):
    told = rig.graph.collect(DiagnosticStatus, "observer/desired", LATCHED)
    publisher = rig.graph.node.create_publisher(Image, "desired_image", LATCHED)
    rig.see()

    def answer(image, sec):
        publisher.publish(encode(image, Header(stamp=Time(sec=sec))))
        stamp = str(sec * 10**9)
        rig.graph.until(lambda: told and told[-1].values[0].value == stamp)
        return told[-1]

    assert answer(PHOTO, 1).message.endswith("keypoints")
    assert answer(PHOTO, 2).level == DiagnosticStatus.OK, "the same image under another stamp"
    assert "keypoints" in (refused := answer(np.zeros_like(PHOTO), 3)).message
    assert refused.level == DiagnosticStatus.WARN
    assert "320x240" in answer(PHOTO[:100], 4).message


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


def test_a_desired_image_that_is_not_latched_is_taken_and_said_again_changes_nothing(rig):
    rig.see()
    publisher = rig.graph.node.create_publisher(Image, "desired_image", OFFERED)
    desired = encode(PHOTO, Header())
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, lambda: (publisher.publish(desired), rig.shoot()))
    first = correspondence_from_matches(rig.matches[-1]).desired
    rig.matches.clear()
    rig.graph.until(lambda: len(rig.matches) > 2, lambda: (publisher.publish(desired), rig.shoot()))
    assert correspondence_from_matches(rig.matches[-1]).same_target(first)


@pytest.mark.parametrize("qos", [LATCHED, OFFERED])
def test_a_camera_info_that_is_sent_once_is_enough(ros_graph, qos):
    node = ros_graph.node
    publisher = node.create_publisher(CameraInfo, "camera_info", qos)
    if qos is LATCHED:
        publisher.publish(info_from_camera(CAMERA, Header()))
    rig = Rig(ros_graph)
    if qos is OFFERED:
        ros_graph.until(publisher.get_subscription_count)
        publisher.publish(info_from_camera(CAMERA, Header()))
    ros_graph.until(lambda: rig.observer.camera == CAMERA)


def test_rounding_and_focusing_keep_the_target_and_another_camera_does_not(rig):
    def target(focal):
        camera = PinholeCamera(320, 240, focal, focal, 160.0, 120.0)
        rig.matches.clear()
        rig.graph.until(lambda: len(rig.matches) > 1, lambda: rig.shoot(camera=camera))
        return correspondence_from_matches(rig.matches[-1])

    assert rig.set_desired().success
    first = target(270.0)
    assert target(270.0 + 1e-6).same_target(first.desired)
    assert rig.observer.camera == CAMERA
    focused = target(271.0)
    assert focused.same_target(first.desired)
    ratio = np.median(focused.current[focused.matched] / first.current[focused.matched])
    assert ratio == pytest.approx(270.0 / 271.0, rel=1e-3)
    assert not target(300.0).same_target(first.desired)


def test_an_uncalibrated_camera_is_named_by_the_service(rig):
    uncalibrated = CameraInfo(width=320, height=240)
    rig.graph.until(
        lambda: "not calibrated" in rig.observer.problem,
        lambda: (rig.info.publish(uncalibrated), rig.shoot(camera=None)),
    )
    assert "not calibrated" in rig.graph.call("observer/set_desired").message


def test_rectified_images_go_by_p(ros_graph):
    rig = Rig(ros_graph, rectified=True)
    info = info_from_camera(CAMERA, Header())
    info.d, info.k = (
        [-0.3, 0.1, 0.0, 0.0, 0.0],
        [250.0, 0.0, 150.0, 0.0, 250.0, 110.0, 0.0, 0.0, 1.0],
    )
    ros_graph.until(lambda: rig.observer.camera == CAMERA, lambda: rig.info.publish(info))


def test_the_size_that_camera_info_gives_is_named(rig):
    info = info_from_camera(CAMERA, Header())
    info.binning_x = info.binning_y = 2
    rig.graph.until(
        lambda: rig.observer.camera is not None and rig.observer.newest is not None,
        lambda: (rig.info.publish(info), rig.shoot(camera=None)),
    )
    message = rig.graph.call("observer/set_desired").message
    assert "320x240 pixels, but the camera's are 160x120" in message
    assert "camera_info: 320x240, binning 2x2" in message


@pytest.mark.parametrize("remapped", ["", "/compressed"])
def test_compressed_images(ros_graph, remapped):
    arguments = ["--ros-args", "-r", f"image:=/camera/image{remapped}"]
    rig = Rig(ros_graph, image_transport="compressed", cli_args=arguments)
    publisher = ros_graph.node.create_publisher(
        CompressedImage, "/camera/image/compressed", OFFERED
    )
    noise = iter(np.random.default_rng(0).integers(0, 3, (400, *PHOTO.shape), np.uint8))

    def shoot():
        stamp = ros_graph.node.get_clock().now().to_msg()
        data = cv2.imencode(".jpg", cv2.add(PHOTO, next(noise)))[1].tobytes()
        rig.info.publish(info_from_camera(CAMERA, Header(stamp=stamp)))
        publisher.publish(CompressedImage(header=Header(stamp=stamp), format="jpeg", data=data))

    ros_graph.until(lambda: rig.observer.newest is not None and rig.observer.camera, shoot)
    assert ros_graph.call("observer/set_desired").success
    ros_graph.until(lambda: rig.matches, shoot)
    assert correspondence_from_matches(rig.matches[-1]).error < 5e-3


@contextmanager
def elsewhere(domain):
    """A node of another process: in one, a topic has one type."""
    context = Context()
    with Participation(context, domain_id=domain) as part:
        yield part.add(rclpy.create_node("camera", context=context))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            CompressedImage,
            "image is published as sensor_msgs/msg/CompressedImage: "
            "set image_transport:=compressed",
        ),
        (PointCloud2, "image is published as sensor_msgs/msg/PointCloud2 on /image: it must be"),
        (None, "no image received yet: nobody publishes /image"),
    ],
)
def test_a_topic_of_another_type_is_named(ros_graph, ros_domain, kind, said):
    ros_graph.add(with_parameters(ObserverNode))
    diagnoses = ros_graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    with elsewhere(ros_domain) as camera:
        if kind is not None:
            camera.create_publisher(kind, "image", OFFERED)
        ros_graph.until(lambda: diagnoses and said in diagnoses[-1].status[0].message)
        assert said in ros_graph.call("observer/set_desired").message


def test_what_the_mask_hides_gives_no_keypoints_and_is_dark_in_the_debug_image(ros_graph):
    rig = Rig(ros_graph, mask="160,0 320,0 320,240 160,240")
    pictures = ros_graph.collect(Image, "observer/debug_image", NEWEST)
    assert rig.set_desired().success
    rig.matches.clear()
    rig.graph.until(lambda: pictures and rig.matches, rig.shoot)
    desired = correspondence_from_matches(rig.matches[-1]).desired
    assert CAMERA.denormalize(desired)[:, 0].max() < 160
    picture = decode(pictures[-1])
    assert picture[:, 161:].mean() < 0.5 * PHOTO[:, 161:].mean()


def test_what_a_goal_hides_gives_no_keypoints_until_another_goal(rig, ros_graph):
    masks = ros_graph.collect(Image, "observer/mask", LATCHED)
    outcomes = ros_graph.collect(DiagnosticStatus, "observer/desired", LATCHED)
    goals = ros_graph.node.create_publisher(Image, "desired_image", LATCHED)
    rig.see()
    left = np.full(PHOTO.shape[:2], 255, np.uint8)
    left[:, 160:] = 0
    blank = np.full_like(PHOTO, 128)

    def give(image, mask):
        now = ros_graph.node.get_clock().now().to_msg()
        outcomes.clear()
        goals.publish(encode(image, Header(stamp=now), mask))
        ros_graph.until(lambda: outcomes)
        rig.matches.clear()
        return "keypoints" in outcomes[-1].message

    def right_most():
        ros_graph.until(lambda: rig.matches, rig.shoot)
        return CAMERA.denormalize(correspondence_from_matches(rig.matches[-1]).desired)[:, 0].max()

    assert give(PHOTO, left)
    assert right_most() < 160
    assert (decode(masks[-1]) == left).all()
    give(blank, None)  # refused: what was set stays, and so does what hid it
    assert right_most() < 160
    assert give(PHOTO, None)
    assert right_most() > 160


def test_a_mask_of_another_size_is_named(ros_graph, tmp_path):
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), np.full((480, 640), 255, np.uint8))
    rig = Rig(ros_graph, mask=str(path))
    rig.graph.until(lambda: rig.observer.problem and rig.observer.newest, rig.shoot)
    answer = rig.graph.call("observer/set_desired")
    assert not answer.success
    assert "mask is 640x480 pixels, but the camera's images are 320x240" in answer.message


def test_a_goal_that_repeats_itself_is_refused_or_warned_of(rig):
    tile = cv2.resize(PHOTO, (40, 30), interpolation=cv2.INTER_AREA)
    tiles = np.tile(tile, (8, 8, 1))
    answer = rig.set_desired(tiles)
    assert not answer.success
    assert "repeats itself" in answer.message
    mixed = tiles.copy()
    mixed[:100] = PHOTO[:100]
    answer = rig.set_desired(mixed)
    assert answer.success
    assert "look the same elsewhere" in answer.message
    diagnoses = rig.graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    rig.graph.until(lambda: diagnoses)
    values = {pair.key: pair.value for pair in diagnoses[-1].status[0].values}
    assert 0.4 <= float(values["self_similar"]) < 0.9


def test_a_mask_is_learnt_from_a_short_motion_and_kept(ros_graph, tmp_path):
    path = tmp_path / "tool.png"
    rig = Rig(ros_graph, learnt_mask_file=str(path))
    wide = load_sample_image("china.jpg")[:, :, ::-1]

    def view(n):
        image = np.ascontiguousarray(wide[60 + 6 * n : 300 + 6 * n, 60 + 8 * n : 380 + 8 * n])
        image[180:, 100:200] = PHOTO[:60, 100:200]  # at the same place whatever the rest does
        return image

    rig.see(view(0))
    answer = rig.graph.call("observer/learn_mask")
    assert not answer.success
    assert "move the camera" in answer.message
    for n in range(1, 12):
        rig.see(view(n))
    answer = rig.graph.call("observer/learn_mask")
    assert answer.success, answer.message
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert (mask[185:, 105:195] == 0).all()
    assert (mask[:160] == 255).mean() > 0.8
    assert rig.set_desired(view(3)).success
    rig.shoot(view(3))
    ros_graph.until(lambda: rig.matches, lambda: rig.shoot(view(3)))
    pixels = correspondence_from_matches(rig.matches[-1]).desired * 270.0 + [160.0, 120.0]
    assert not ((pixels[:, 1] > 182) & (np.abs(pixels[:, 0] - 150) < 48)).any()
