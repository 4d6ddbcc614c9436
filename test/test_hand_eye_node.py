"""`cns-handeye`: from images and joint states on the graph to the file that the driver reads."""

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.exceptions import ParameterException
from ros_graph import PATIENCE_S, with_parameters
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import Header
from test_hand_eye_calibration import CAMERA, CHESSBOARD, T_FLANGE_CAMERA, shoot, viewpoints

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3
from cns_ros.nodes.hand_eye import HandEyeNode
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.joints import UR_JOINTS
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.sim.hand_eye_command import main
from cns_ros.sim.twin import load_hand_eye

Q_NEAR = np.radians([0.0, -90.0, -90.0, -90.0, 90.0, 0.0])


class Cell:
    """Publishes what camera and driver would, at one view of the board after the other."""

    def __init__(self, graph):
        self.graph = graph
        self.image = graph.node.create_publisher(Image, "image", NEWEST)
        self.info = graph.node.create_publisher(CameraInfo, "camera_info", NEWEST)
        self.joints = graph.node.create_publisher(JointState, "joint_states", OFFERED)
        self.gripper = graph.node.create_publisher(JointState, "joint_states", OFFERED)
        self.rng, self.model = np.random.default_rng(0), UR_MODELS["ur5e"]

    def header(self):
        return Header(frame_id="wrist_optical", stamp=self.graph.node.get_clock().now().to_msg())

    def show(self, picture, q, order=UR_JOINTS):
        header, angles = self.header(), dict(zip(UR_JOINTS, q, strict=True))
        position = [float(angles[name]) for name in order]
        self.joints.publish(JointState(header=header, name=list(order), position=position))
        self.gripper.publish(JointState(header=header, name=["finger"], position=[0.1]))
        self.info.publish(info_from_camera(CAMERA, header))
        self.image.publish(encode(picture, header))

    def capture(self, picture, q, order=UR_JOINTS):
        """Call the service until the arm has been still for long enough."""
        answer = None
        while answer is None or "moving" in answer.message or "no " in answer.message[:3]:
            self.show(picture, q, order)
            self.graph.executor.spin_once(timeout_sec=0.05)
            answer = self.graph.call("hand_eye/capture")
        return answer

    def views(self, count, order=UR_JOINTS):
        """Go to so many views; all of them have to be taken."""
        for T_base_camera in viewpoints(self.rng, count):
            q = self.model.inverse(T_base_camera @ se3.inverse(T_FLANGE_CAMERA), Q_NEAR)
            answer = self.capture(shoot(CHESSBOARD, T_base_camera, self.rng), q, order)
            assert answer.success, answer.message


@pytest.fixture
def cell(ros_graph):
    return Cell(ros_graph)


@pytest.mark.slow
def test_the_file_is_found_again_from_fifteen_views(ros_graph, cell, tmp_path):
    path = tmp_path / "hand_eye.yaml"
    ros_graph.add(with_parameters(HandEyeNode, file=str(path)))
    # In the order of the alphabet, as a joint_state_broadcaster gives them.
    cell.views(15, sorted(UR_JOINTS))
    answer = ros_graph.call("hand_eye/solve")
    assert answer.success, answer.message
    assert "15 views" in answer.message
    found = HandEye.load(path)
    assert found.camera_frame == "wrist_optical"
    assert se3.rotation_error_deg(found.T_flange_camera, T_FLANGE_CAMERA) < 0.05
    assert se3.translation_error_m(found.T_flange_camera, T_FLANGE_CAMERA) < 0.5e-3


def test_views_without_a_board_or_too_few_of_them_are_refused(ros_graph, cell):
    ros_graph.add(with_parameters(HandEyeNode))
    assert ros_graph.call("hand_eye/capture").message.startswith("no image received yet")
    ros_graph.until(lambda: said_without_info(ros_graph, cell) == "no camera_info yet")
    blank = np.full((480, 640), 90, np.uint8)
    answer = cell.capture(blank, Q_NEAR)
    assert not answer.success
    assert "0 corners of the board seen" in answer.message
    assert "at least 10 views" in ros_graph.call("hand_eye/solve").message


def said_without_info(graph, cell):
    cell.image.publish(encode(np.full((480, 640), 90, np.uint8), cell.header()))
    return graph.call("hand_eye/capture").message


def test_a_camera_info_that_was_latched_before_is_enough(ros_graph, cell):
    latched = ros_graph.node.create_publisher(CameraInfo, "camera_info", LATCHED)
    latched.publish(info_from_camera(CAMERA, cell.header()))
    cell.info = ros_graph.node.create_publisher(CameraInfo, "elsewhere", NEWEST)
    node = ros_graph.add(with_parameters(HandEyeNode))
    cell.views(1)
    assert len(node.views) == 1


def test_a_camera_that_only_sends_compressed_images_is_named_and_can_be_calibrated(ros_graph, cell):
    class Compressing:
        """In the place of the publisher of raw images."""

        def __init__(self):
            self._publisher = ros_graph.node.create_publisher(
                CompressedImage, "image/compressed", NEWEST
            )

        def publish(self, image):
            data = cv2.imencode(".png", decode(image))[1].tobytes()
            self._publisher.publish(CompressedImage(header=image.header, format="png", data=data))

    ros_graph.node.destroy_publisher(cell.image)
    cell.image = Compressing()
    node = ros_graph.add(with_parameters(HandEyeNode, image_transport="compressed"))
    cell.views(1)
    assert len(node.views) == 1


@pytest.mark.slow
def test_a_result_that_is_refused_leaves_the_file_and_a_good_one_keeps_it_beside(
    ros_graph, cell, tmp_path
):
    path = tmp_path / "hand_eye.yaml"
    path.write_text("the former file")
    misstated = {"file": str(path), "min_views": 6, "square": 0.03}
    node = ros_graph.add(with_parameters(HandEyeNode, **misstated))
    cell.views(6)
    refused = ros_graph.call("hand_eye/solve")
    assert not refused.success
    assert "nothing is written; squares of 25." in refused.message
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "the former file"
    ros_graph.executor.remove_node(node)
    ros_graph.nodes.remove(node)
    node.destroy_node()
    ros_graph.add(with_parameters(HandEyeNode, **misstated | {"square": 0.025}))
    cell.views(6)
    answer = ros_graph.call("hand_eye/solve")
    assert answer.success, answer.message
    assert f"the former file is kept as {path}.bak" in answer.message
    assert (tmp_path / "hand_eye.yaml.bak").read_text() == "the former file"
    assert HandEye.load(path).camera_frame == "wrist_optical"


def test_the_last_view_can_be_taken_back_and_the_status_tells(ros_graph, cell):
    statuses = ros_graph.collect(DiagnosticStatus, "hand_eye/status", LATCHED)
    node = ros_graph.add(with_parameters(HandEyeNode))
    answer = ros_graph.call("hand_eye/discard")
    assert not answer.success
    assert "no view to discard" in answer.message
    cell.views(2)
    first = node.views[0]
    answer = ros_graph.call("hand_eye/discard")
    assert answer.success
    assert answer.message == "view 2 discarded, 1 left"
    assert node.views == (first,)
    ros_graph.until(lambda: statuses and statuses[-1].message == answer.message)
    values = {each.key: each.value for each in statuses[-1].values}
    assert (values["views"], values["views_needed"]) == ("1", "10")


def changed(message, **changes):
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def info(header, **changes):
    return changed(info_from_camera(CAMERA, header), **changes)


def image(header, picture=None, **changes):
    picture = np.full((480, 640), 90, np.uint8) if picture is None else picture
    return changed(encode(picture, header), **changes)


def with_k(place, value):
    k = CAMERA.matrix.ravel()
    k[place] = value
    return k


ODD = {"width": 333, "height": 481, "step": 666, "encoding": "yuv422_yuy2"}
NOISE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
BAD_INFOS = {
    "K is zero": lambda h: info(h, k=np.zeros(9)),
    "fx must be finite": lambda h: info(h, k=with_k(0, np.nan)),
    "fy must be finite": lambda h: info(h, k=with_k(4, -540.0)),
    "cx must be finite": lambda h: info(h, k=with_k(2, np.inf)),
    "distortion must": lambda h: info(h, d=[0.1, 0.2, 0.3]),
    "distortion model": lambda h: info(h, distortion_model="no such", d=[0.1] * 5),
    "width must be": lambda h: info(h, width=0),
    "images are (1280, 480) pixels now": lambda h: info(h, width=1280),
}
BAD_IMAGES = {
    "image encoding": lambda h: image(h, encoding="jpeg"),
    "but the camera's are": lambda h: image(h, NOISE[:240]),
    "bytes of data": lambda h: image(h, height=960),
    "needs rows of 640": lambda h: image(h, step=3),
    "image of 0x0": lambda h: image(h, width=0, height=0, data=[]),
    "image ": lambda h: image(h, np.zeros((481, 666), np.uint8), **ODD),
    "no frame_id": lambda h: image(Header(stamp=h.stamp)),
    "frame is 'other'": lambda h: image(Header(stamp=h.stamp, frame_id="other")),
    "no stamp": lambda h: image(Header(frame_id=h.frame_id)),
    "ahead of this node's clock": lambda h: image(
        Header(frame_id=h.frame_id, stamp=Time(sec=h.stamp.sec + 60))
    ),
    "0 corners of the board": lambda h: image(h, NOISE),
}
"""What the refusal says of a message, and what makes the message."""


def test_bad_messages_are_told_and_neither_end_the_node_nor_lose_a_view(ros_graph, cell):
    node = ros_graph.add(with_parameters(HandEyeNode))
    cell.views(1)
    cases = [(cell.info, *case) for case in BAD_INFOS.items()]
    cases += [(cell.image, *case) for case in BAD_IMAGES.items()]
    for publisher, complaint, make in cases:
        said, end = "", time.monotonic() + PATIENCE_S
        while complaint not in said:
            assert time.monotonic() < end, f"{complaint!r} has not been said, but {said!r}"
            cell.show(NOISE, Q_NEAR)
            publisher.publish(make(cell.header()))
            ros_graph.executor.spin_once(timeout_sec=0.02)
            answer = ros_graph.call("hand_eye/capture")
            assert not answer.success
            said = answer.message
    assert len(node.views) == 1
    cell.views(1)
    assert len(node.views) == 2


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"file": "/not/there/hand_eye.yaml"}, "make the folder /not/there first"),
        ({"file": "/proc/hand_eye.yaml"}, "cannot be written"),
        ({"columns": 8}, "one even and one odd"),
        ({"columns": -9}, "at least 4"),
        ({"rows": 100000}, "at most 100"),
        ({"marker": 0.025}, "marker_m must be below square_m"),
        ({"marker": -0.01}, "not negative"),
        ({"columns": 21, "rows": 12, "marker": 0.01}, "has 100"),
        ({"square": 25.0}, "square"),
        ({"square": float("nan")}, "square"),
        ({"min_views": 2}, "min_views"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(ros_graph, given, complaint):
    with pytest.raises((ValueError, ParameterException), match=complaint):
        with_parameters(HandEyeNode, **given)


@pytest.mark.parametrize("words", [["--sim", "--file", "/not/there/x.yaml"]])
def test_the_tour_is_not_begun_for_a_file_that_cannot_be_written(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["cns-handeye", *words])
    with pytest.raises(SystemExit):
        main()
    assert "make the folder /not/there first" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_calibrates_the_twin_from_end_to_end(ros_domain, robot_address, tmp_path):
    path = tmp_path / "hand_eye.yaml"
    command = [sys.executable, "-m", "cns_ros.sim.hand_eye_command", "--sim", "--seed", "1"]
    command += ["--robot-ip", robot_address, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "15 views" in done.stdout
    found, truth = HandEye.load(path).T_flange_camera, load_hand_eye("").T_flange_camera
    assert se3.rotation_error_deg(found, truth) < 0.05
    assert se3.translation_error_m(found, truth) < 0.5e-3


@pytest.mark.parametrize("words", [["--simulated"], ["--sim", "--ros-args"], ["table"]])
def test_words_without_a_meaning_are_refused(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["cns-handeye", *words])
    with pytest.raises(SystemExit):
        main()
    assert words[-1] in capsys.readouterr().err
