"""`cns-handeye`: from images and joint states on the graph to the file that the driver reads."""

import subprocess
import sys

import numpy as np
import pytest
from ros_graph import with_parameters
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header
from test_hand_eye_calibration import CAMERA, CHESSBOARD, T_FLANGE_CAMERA, shoot, viewpoints

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3
from cns_ros.nodes.hand_eye import HandEyeNode
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.image_codec import encode
from cns_ros.ros.qos import NEWEST
from cns_ros.sim.hand_eye_command import main
from cns_ros.sim.twin import load_hand_eye

Q_NEAR = np.radians([0.0, -90.0, -90.0, -90.0, 90.0, 0.0])


class Cell:
    """Publishes what camera and driver would, at one view of the board after the other."""

    def __init__(self, graph):
        self.graph = graph
        self.image = graph.node.create_publisher(Image, "image", NEWEST)
        self.info = graph.node.create_publisher(CameraInfo, "camera_info", NEWEST)
        self.joints = graph.node.create_publisher(JointState, "joint_states", NEWEST)

    def show(self, picture, q):
        header = Header(frame_id="wrist_optical", stamp=self.graph.node.get_clock().now().to_msg())
        self.joints.publish(JointState(position=q.tolist()))
        self.info.publish(info_from_camera(CAMERA, header))
        self.image.publish(encode(picture, header))

    def capture(self, picture, q):
        """Call the service until the arm has been still for long enough."""
        answer = None
        while answer is None or "moving" in answer.message or "no " in answer.message[:3]:
            self.show(picture, q)
            self.graph.executor.spin_once(timeout_sec=0.05)
            answer = self.graph.call("hand_eye/capture")
        return answer


@pytest.fixture
def cell(ros_graph):
    return Cell(ros_graph)


def test_the_file_is_found_again_from_fifteen_views(ros_graph, cell, tmp_path):
    path = tmp_path / "hand_eye.yaml"
    ros_graph.add(with_parameters(HandEyeNode, file=str(path)))
    rng, model = np.random.default_rng(0), UR_MODELS["ur5e"]
    for T_base_camera in viewpoints(rng, 15):
        q = model.inverse(T_base_camera @ se3.inverse(T_FLANGE_CAMERA), Q_NEAR)
        answer = cell.capture(shoot(CHESSBOARD, T_base_camera, rng), q)
        assert answer.success, answer.message
    answer = ros_graph.call("hand_eye/solve")
    assert answer.success, answer.message
    assert "15 views" in answer.message
    found = HandEye.load(path)
    assert found.camera_frame == "wrist_optical"
    assert se3.rotation_error_deg(found.T_flange_camera, T_FLANGE_CAMERA) < 0.05
    assert se3.translation_error_m(found.T_flange_camera, T_FLANGE_CAMERA) < 0.5e-3


def test_views_without_a_board_or_too_few_of_them_are_refused(ros_graph, cell):
    ros_graph.add(with_parameters(HandEyeNode))
    assert "no image or no camera_info yet" in ros_graph.call("hand_eye/capture").message
    blank = np.full((480, 640), 90, np.uint8)
    answer = cell.capture(blank, Q_NEAR)
    assert not answer.success
    assert "0 corners of the board seen" in answer.message
    assert "at least 5 views" in ros_graph.call("hand_eye/solve").message


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
