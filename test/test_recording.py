"""An episode over real DDS, recorded, read by others, and repeated to the last bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import loopback_address, ros_domain_id
from geometry_msgs.msg import TwistStamped
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

from cns_core.control.settings import SessionSettings
from cns_core.share import share_directory
from cns_core.twin.robot.pendant import Pendant
from cns_ros.bringup.node_set import NodeSpec, servo_environment
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.recording import replay_program
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.bag_writer import BagWriter
from cns_ros.recording.given import changes
from cns_ros.recording.record_settings import RecordSettings
from cns_ros.recording.recorder import RecorderNode
from cns_ros.recording.replay_controller import replay_controller
from cns_ros.recording.replay_observer import replay_observer
from cns_ros.recording.replay_report import controller_lines, observer_lines
from cns_ros.recording.schema import message_definition
from cns_ros.ros.client import GraphClient
from cns_ros.ros.compressed_image import decode_compressed
from cns_ros.ros.image_codec import encode
from cns_ros.ros.poses_twists import twist_from_message
from cns_ros.ros.qos import NEWEST, OFFERED, RECORDED
from cns_ros.sim.node_processes import NodeProcesses

ROOT = Path(__file__).resolve().parents[1]
HAND_EYE = str(share_directory() / "config" / "twin_hand_eye.yaml")
TWISTS = 20
# A busy machine must not end the episode, and the goal must not be reached before all is seen.
PATIENT = {"matches_timeout": 10.0, "max_image_age": 10.0, "max_linear": 0.03, "max_angular": 0.1}
JOG_RAD = np.array([0.05, 0.0, 0.0, 0.0, 0.1, 0.3])


class Graph:
    """The suite's nodes against a twin, in a domain of their own, and a recorder."""

    def __init__(self, host, domain, path):
        environment = {
            **os.environ,
            **servo_environment(ServoOptions(sim=True)),
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        driver = {"robot_ip": host, "hand_eye_file": HAND_EYE}
        specs = [
            NodeSpec("twin", "twin", parameters={"host": host}),
            NodeSpec("observer", "observer", parameters={"background": False}),
            NodeSpec("controller", "controller", parameters=PATIENT),
            NodeSpec("ur_driver", "ur_driver", parameters=driver),
        ]
        self.nodes = NodeProcesses({s.name: s.command() for s in specs}, environment)
        for spec in specs:
            self.nodes.start(spec.name)
        self.client = GraphClient(domain, told_by=["controller", "ur_driver"])
        command = [sys.executable, "-m", "cns_ros.cli", "record", "--out", str(path)]
        self.recorder = subprocess.Popen(
            [*command, "--images", "raw"], cwd=ROOT, env=environment, start_new_session=True
        )
        images = []
        self.client.node.create_subscription(Image, "image", images.append, NEWEST)
        told = self.client.statuses
        self.client.until(lambda: images and len(told) == 2, "images and statuses")
        self.client.until(lambda: told["ur_driver"].message == "disarmed", "the robot")
        self.client.until(lambda: self._heard("controller/trace"), "the recorder")

    def _heard(self, topic):
        return self.client.node.count_subscribers(topic)

    def servo(self, host):
        """One short episode, with a gain that changes in its middle."""
        client = self.client
        client.insist("observer/set_desired")
        with Pendant(host) as pendant:
            pendant.move_joints(pendant.state().q + JOG_RAD, speed_rad_s=0.5)
        twists = []
        client.node.create_subscription(TwistStamped, "twist", twists.append, RECORDED)
        client.insist("controller/start")
        client.insist("ur_driver/arm")
        client.until(lambda: len(twists) > TWISTS, "twists")
        client.set_parameters("controller", gain=0.8)
        client.until(lambda: len(twists) > 2 * TWISTS, "twists")
        client.insist("controller/stop")
        client.insist("ur_driver/disarm")

    def close(self):
        self.recorder.send_signal(signal.SIGINT)
        code = self.recorder.wait(30.0)
        self.nodes.end_all()
        self.client.close()
        return code


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "episode.mcap"
    host = loopback_address()
    graph = Graph(host, ros_domain_id(), path)
    try:
        graph.servo(host)
    finally:
        code = graph.close()
    assert code == 0
    yield path
    path.unlink()  # large


@pytest.fixture(scope="module")
def bag(recording):
    return BagReader(recording)


@pytest.mark.slow
def test_the_twists_are_repeated_bit_for_bit(bag):
    replay = replay_controller(bag, {})
    assert not replay.notes
    assert len(replay.twists) > 2 * TWISTS and replay.parting is None
    assert "bit for bit" in controller_lines(replay)[-1]
    published = [twist_from_message(entry.message()) for entry in bag.entries("twist")]
    repeated = [step.twist for step in replay.twists]
    assert np.any(repeated[5]) and np.array_equal(published, repeated)
    assert {step.call.settings["gain"] for step in replay.steps} == {1.0, 0.8}


@pytest.mark.slow
def test_the_matches_are_repeated_bit_for_bit(bag):
    replay = replay_observer(bag, {})
    assert not replay.notes
    assert len(replay.images) > 20 and replay.parting is None
    assert "bit for bit" in observer_lines(replay)[-1]


@pytest.mark.slow
def test_other_parameters_part_and_the_report_says_where(bag):
    replay = replay_controller(bag, {"terminal": "none"})
    assert replay.parting is not None
    assert "parts at call" in " ".join(controller_lines(replay))
    seen = replay_observer(bag, {"max_keypoints": 100})
    assert seen.parting is seen.images[0]
    assert "parts at image 0" in " ".join(observer_lines(seen))


@pytest.mark.slow
def test_what_else_belongs_to_the_episode_is_there(bag):
    topics = {entry.topic for entry in bag.entries()}
    wanted = {"/image", "/camera_info", "/matches", "/twist", "/tcp_pose", "/observer/goal"}
    wanted |= {"/controller/status", "/ur_driver/status", "/diagnostics", "/twin/ground_truth"}
    assert wanted <= topics
    assert bag.parameters("observer")["background"] is False
    assert bag.parameters("controller")["terminal"] == "structure"
    assert bag.parameters("ur_driver")["hand_eye_file"] == HAND_EYE
    assert len(bag.origin()["weights_sha256"]) == 64


@pytest.mark.slow
def test_another_reader_decodes_every_message_by_the_definitions_in_the_file(recording):
    with recording.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        found = {}
        for _, channel, _, message in reader.iter_decoded_messages():
            found.setdefault(channel.topic, message)
            assert "reliability" in channel.metadata["offered_qos_profiles"]
    assert found["/image"].encoding == "bgr8" and len(found["/image"].data) == 640 * 480 * 3
    assert found["/matches"].fields[3].name == "x_desired"
    assert found["/controller/status"].values[0].key == "cause"


@pytest.mark.slow
def test_the_command_replays_and_draws_what_make_servo_draws(
    recording, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    words = ["cns replay", str(recording), "--part", "controller"]
    monkeypatch.setattr(sys, "argv", [*words, "--out", str(out)])
    assert replay_program.main() == 0
    assert "all the same, bit for bit" in capsys.readouterr().out
    written = {path.name for path in out.iterdir()}
    assert {"views.png", "path.png", "curves.png", "graph.png", "episode.csv"} <= written
    assert json.loads((out / "episode.json").read_text())["figures"]["twists"] > TWISTS
    monkeypatch.setattr(sys, "argv", [*words, "--set", "terminal=none"])
    assert replay_program.main() == 1


def test_images_are_kept_as_jpeg_beside_the_name_they_came_by(ros_graph, tmp_path):
    sent = np.full((48, 64, 3), 90, np.uint8)
    sent[:, 32:] = 200
    publisher = ros_graph.node.create_publisher(Image, "camera/image_raw", NEWEST)
    settings = RecordSettings(image_topic="camera/image_raw", also="/hello")
    hello = ros_graph.node.create_publisher(String, "/hello", OFFERED)
    with BagWriter(tmp_path / "jpeg.mcap") as bag:
        recorder = ros_graph.add(RecorderNode(settings, bag))
        topic = "/camera/image_raw/compressed"

        def publish():
            publisher.publish(encode(sent, Header(frame_id="wrist")))
            hello.publish(String(data="there"))

        ros_graph.until(lambda: bag.counts[topic] and bag.counts["/hello"], publish)
        recorder.finish()
    found = {entry.topic: entry.message() for entry in BagReader(bag.path).entries()}
    assert found["/hello"].data == "there" and "/camera/image_raw" not in found
    assert found[topic].header.frame_id == "wrist"
    kept = decode_compressed(found[topic])
    assert np.abs(kept.astype(int) - sent).mean() < 2.0


def test_an_existing_file_is_not_written_over(tmp_path):
    (tmp_path / "old.mcap").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        BagWriter(tmp_path / "old.mcap")


def test_a_definition_holds_all_that_it_is_made_of():
    text = message_definition("sensor_msgs/msg/PointCloud2")
    parts = [line.removeprefix("MSG: ") for line in text.splitlines() if line.startswith("MSG: ")]
    assert parts == ["std_msgs/Header", "sensor_msgs/PointField", "builtin_interfaces/Time"]
    for name in ("diagnostic_msgs/msg/DiagnosticArray", "rcl_interfaces/msg/ParameterEvent"):
        assert "builtin_interfaces/Time" in message_definition(name)


def test_a_misspelt_change_is_answered_with_the_nearest():
    assert changes(["gain=0.5", "verify=false"], SessionSettings, ObserverSettings) == {
        "gain": 0.5,
        "verify": False,
    }
    for word in ("gane=1", "gain"):
        with pytest.raises(ValueError, match="did you mean 'gain'"):
            changes([word], SessionSettings)


def test_what_is_no_recording_is_refused(tmp_path):
    (tmp_path / "none.mcap").write_bytes(b"not at all")
    for name in ("none.mcap", "missing.mcap"):
        with pytest.raises(ValueError, match=name):
            BagReader(tmp_path / name)


@pytest.mark.slow
def test_a_recording_without_its_end_is_read_as_far_as_it_goes(recording, tmp_path):
    cut = tmp_path / "cut.mcap"
    content = recording.read_bytes()
    cut.write_bytes(content[: int(0.6 * len(content))])
    bag = BagReader(cut)
    assert len(list(bag.entries("image"))) > 5
    assert not bag.complete and bag.origin() == {}
    cut.unlink()
