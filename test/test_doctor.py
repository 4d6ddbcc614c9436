"""``cns doctor`` on a healthy set-up over real DDS, and on broken ones."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import loopback_address, ros_domain_id
from sensor_msgs.msg import CameraInfo, Image

from cns_core.share import share_directory
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.pendant import Pendant
from cns_ros.bringup.node_set import NodeSpec, servo_environment
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.doctor import command
from cns_ros.doctor.examination import examine
from cns_ros.doctor.finding import Verdict
from cns_ros.doctor.installation import shipped_digest
from cns_ros.doctor.settings import DoctorSettings
from cns_ros.ros.client import GraphClient
from cns_ros.ros.qos import NEWEST, OFFERED
from cns_ros.sim.node_processes import NodeProcesses

ROOT = Path(__file__).resolve().parents[1]
HAND_EYE = str(share_directory() / "config" / "twin_hand_eye.yaml")
LISTEN_S = 0.5


class SetUp:
    """The twin, its driver, and a client of both, in a domain of their own."""

    def __init__(self, host, domain):
        self.host = host
        self.environment = {
            **os.environ,
            **servo_environment(ServoOptions(sim=True)),
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        driver = {"robot_ip": host, "hand_eye_file": HAND_EYE}
        specs = [
            NodeSpec("twin", "twin", parameters={"robot": False, "host": host}),
            NodeSpec("ur_driver", "ur_driver", parameters=driver),
        ]
        self.nodes = NodeProcesses({s.name: s.command() for s in specs}, self.environment)
        self.box = ControlBox(host)
        self.box.start()
        for spec in specs:
            self.nodes.start(spec.name)
        self.graph = GraphClient(domain, told_by=["ur_driver"])
        told = self.graph.statuses
        self.graph.until(lambda: "ur_driver" in told, "the driver")
        self.graph.until(lambda: told["ur_driver"].message == "disarmed", "the robot")
        images = []
        self.graph.node.create_subscription(Image, "image", images.append, NEWEST)
        self.graph.until(lambda: images, "an image")

    def close(self):
        self.nodes.end_all()
        self.graph.close()
        self.box.stop()


class Spinning:
    """Spin a GraphClient in a thread while the test works; a context manager."""

    def __init__(self, graph):
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: self._spin(graph))

    def _spin(self, graph):
        while not self._over.is_set():
            graph.spin(0.05)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


@pytest.fixture(scope="module")
def set_up():
    with pytest.MonkeyPatch.context() as patch:
        domain = ros_domain_id()
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        for name, value in servo_environment(ServoOptions()).items():
            patch.setenv(name, value)
        set_up = SetUp(loopback_address(), domain)
        yield set_up
        set_up.close()


def findings(*groups, **settings):
    """What is found in some groups, by what was looked at."""
    found = list(examine(DoctorSettings(**{"listen_s": LISTEN_S, **settings}), groups))
    assert len({each.check for each in found}) == len(found)
    return {each.check: each for each in found}


def doctor(environment, *words):
    program = [sys.executable, "-m", "cns_ros.cli", "doctor", *words]
    return subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_healthy_set_up_passes(set_up):
    words = ["--json", "--listen", str(LISTEN_S), "--robot-ip", set_up.host, "--hand-eye", HAND_EYE]
    ended = doctor(set_up.environment, *words)
    found = {each["check"]: each for each in json.loads(ended.stdout)}
    failed = [each for each in found.values() if each["verdict"] in ("fail", "skipped")]
    assert not failed and ended.returncode == 0
    sound = {"python", "ros", "rmw", "rmw profile", "weights", "hand-eye", "params file", "robot"}
    sound |= {"robot mode", "robot safety", "robot control", "camera encoding", "camera clock"}
    sound |= {"camera_info", "camera frame"}
    assert {name for name in sound if found[name]["verdict"] == "ok"} == sound
    assert "Hz" in found["camera"]["seen"] and "Hz" in found["tcp_pose"]["seen"]
    assert "bgr8, 640x480" in found["camera encoding"]["seen"]


@pytest.mark.slow
def test_a_camera_that_nobody_publishes_is_missed_and_the_exit_code_says_so(
    set_up, monkeypatch, capsys
):
    words = ["cns doctor", "camera", "--image-topic", "elsewhere"]
    monkeypatch.setattr(sys, "argv", words)
    assert command.main() == 1
    told = capsys.readouterr().out
    assert "nobody publishes /elsewhere" in told and "--image-topic" in told


@pytest.mark.slow
def test_a_camera_whose_clock_is_ahead_is_told_how_far(set_up):
    set_up.graph.set_parameters("twin", clock_ahead=100.0)
    try:
        clock = findings("camera")["camera clock"]
    finally:
        set_up.graph.set_parameters("twin", clock_ahead=0.0)
    assert clock.verdict is Verdict.FAIL
    assert "in the future" in clock.seen and "stamp:=receive" in clock.seen


@pytest.mark.slow
def test_an_uncalibrated_camera_is_told_to_be_calibrated(set_up):
    topic = "blank/camera_info"
    publisher = set_up.graph.node.create_publisher(CameraInfo, topic, OFFERED)
    timer = set_up.graph.node.create_timer(
        0.1, lambda: publisher.publish(CameraInfo(width=640, height=480))
    )
    with Spinning(set_up.graph):
        info = findings("camera", camera_info_topic=topic, listen_s=1.5)["camera_info"]
    set_up.graph.node.destroy_timer(timer)
    assert info.verdict is Verdict.FAIL
    assert "not calibrated" in info.seen and "camera_calibration" in info.remedy


@pytest.mark.slow
def test_a_camera_info_of_another_size_is_refused(set_up):
    topic = "small/camera_info"
    publisher = set_up.graph.node.create_publisher(CameraInfo, topic, OFFERED)
    half = CameraInfo(
        width=320, height=240, k=[270.0, 0.0, 160.0, 0.0, 270.0, 120.0, 0.0, 0.0, 1.0]
    )
    timer = set_up.graph.node.create_timer(0.1, lambda: publisher.publish(half))
    with Spinning(set_up.graph):
        info = findings("camera", camera_info_topic=topic, listen_s=1.5)["camera_info"]
    set_up.graph.node.destroy_timer(timer)
    assert info.verdict is Verdict.FAIL and "320x240" in info.seen


def test_a_robot_in_local_control_is_asked_for_remote(set_up):
    with Pendant(set_up.host) as pendant:
        pendant.set_remote_control(False)
        found = findings("robot", robot_ip=set_up.host)
        pendant.set_remote_control(True)
    assert found["robot"].verdict is Verdict.OK
    assert found["robot control"].verdict is Verdict.FAIL
    assert "remote" in found["robot control"].remedy


def test_a_robot_that_is_not_there_is_named_with_its_port(ros_domain):
    found = findings("robot", robot_ip=loopback_address())
    assert found["robot"].verdict is Verdict.FAIL and ":29999" in found["robot"].seen
    assert found["tcp_pose"].verdict is Verdict.SKIPPED


def test_files_that_do_not_hold_are_told_with_the_reason(tmp_path):
    hand_eye, params = tmp_path / "eye.yaml", tmp_path / "params.yaml"
    hand_eye.write_text("xyz_m: [0, 0, 0.1]\nquaternion_xyzw: [0, 0, 0, 2]\n")
    params.write_text("controller:\n  ros__parameters:\n    max_lineal: 0.1\n")
    found = findings("files", hand_eye=str(hand_eye), params_file=str(params))
    assert found["hand-eye"].verdict is Verdict.FAIL and "norm" in found["hand-eye"].seen
    assert found["params file"].verdict is Verdict.FAIL
    assert "did you mean 'max_linear'" in found["params file"].seen


def test_weights_that_are_damaged_or_not_the_shipped_ones_fail(tmp_path, monkeypatch):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((ROOT / "models" / "cns.safetensors").read_bytes()[:1000])
    found = findings("installation", weights=str(cut))
    assert found["weights"].verdict is Verdict.FAIL and "damaged" in found["weights"].seen
    monkeypatch.setattr("cns_ros.doctor.installation.shipped_digest", lambda: "0" * 64)
    assert findings("installation")["weights"].verdict is Verdict.FAIL


def test_the_sum_of_the_shipped_weights_is_current():
    # sha256sum cns.safetensors > SHA256SUMS, in models/
    assert len(shipped_digest()) == 64
    assert findings("installation")["weights"].verdict is Verdict.OK


def test_a_profile_that_cannot_be_read_fails(tmp_path, monkeypatch):
    broken = tmp_path / "profile.xml"
    broken.write_text("<profiles>")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(broken))
    profile = findings("installation")["rmw profile"]
    assert profile.verdict is Verdict.FAIL and str(broken) in profile.seen


def test_without_ros_the_rest_is_still_looked_at(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    found = findings("installation", "camera")
    assert found["ros"].verdict is Verdict.FAIL and "setup.bash" in found["ros"].remedy
    assert found["python"].verdict is Verdict.OK and "camera" not in found
