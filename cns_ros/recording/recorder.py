"""Recorder node: writes down what the suite's topics say."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
from rclpy.clock import Clock, ClockType
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from cns_core.share import share_directory
from cns_ros.recording.bag_writer import BagWriter
from cns_ros.recording.node_parameters import NodeParameters
from cns_ros.recording.record_settings import RecordSettings
from cns_ros.recording.topic_tap import Topic, TopicTap
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.image_codec import decode

_TOPICS = (
    *("desired_image", "observer/goal", "matches", "twist", "tcp_pose", "joint_states"),
    *("controller/status", "controller/trace", "ur_driver/status", "twin/ground_truth"),
    *("controller/left_out", "observer/left_out", "/diagnostics", "/parameter_events"),
)
_OURS = ("matches", "twist", "tcp_pose", "controller/trace", "twin/ground_truth")
"""Whoever publishes one of these is a node of the suite, whose parameters belong to the episode."""
_IMAGE = "sensor_msgs/msg/Image"
_COMPRESSED = "sensor_msgs/msg/CompressedImage"
_JPEG_QUALITY = 95
_UNKNOWN = "_NODE_NAME_UNKNOWN_"
_ASK_S = 0.2


class RecorderNode(GuardedNode):
    """Writes every message of the suite's topics into a :class:`BagWriter`.

    Attributes:
        parameters: of the suite's nodes.
        topics: those found, by name.
        tap: what hears them.
    """

    def __init__(self, settings: RecordSettings, bag: BagWriter) -> None:
        super().__init__("recorder")
        self._settings, self._bag = settings, bag
        self.parameters = NodeParameters(self)
        self.topics: dict[str, Topic] = {}
        self._ours = {self.resolve_topic_name(name) for name in _OURS}
        self._image = self.resolve_topic_name(settings.image_topic)
        names = [*_TOPICS, settings.camera_info_topic]
        names += filter(None, map(str.strip, settings.also.split(",")))
        if settings.images != "none":
            names += [self._image, f"{self._image}/compressed"]
        self.tap = TopicTap(self, names, self._on_topic, self._on_message)
        self.tap.look()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_ASK_S, self._ask, clock=steady)

    def finish(self) -> None:
        """Put in what belongs to the whole recording."""
        self._bag.attach("parameters.yaml", "application/yaml", self.parameters.as_yaml())
        self._bag.note("cns", self._origin())

    def _on_topic(self, topic: Topic) -> None:
        if self._as_jpeg(topic):
            self._bag.add_topic(f"{topic.name}/compressed", _COMPRESSED, topic.qos)
        else:
            self._bag.add_topic(topic.name, topic.type_name, topic.qos)
        self.topics[topic.name] = topic
        if self._settings.images == "jpeg" and topic.name == self._image:
            self.tap.waiting.discard(f"{self._image}/compressed")  # these are made here
        self.get_logger().info(f"recording {topic.name} ({topic.type_name})")

    def _ask(self) -> None:
        """Ask the suite's nodes for their parameters, as they become known."""
        for topic in self._ours & self.topics.keys():
            for each in self.get_publishers_info_by_topic(topic):
                # A publisher may be found before the node that it belongs to.
                if each.node_name != _UNKNOWN:
                    self.parameters.want(f"{each.node_namespace.rstrip('/')}/{each.node_name}")
        self.parameters.ask()

    def _on_message(self, topic: Topic, data: bytes, published_ns: int) -> None:
        if self._as_jpeg(topic):
            data = _compress(data)
            self._bag.write(f"{topic.name}/compressed", data, published_ns)
        else:
            self._bag.write(topic.name, data, published_ns)

    def _as_jpeg(self, topic: Topic) -> bool:
        """Of the camera's images only: the goal is one image, and kept as it is."""
        wanted = self._settings.images == "jpeg" and topic.name == self._image
        return wanted and topic.type_name == _IMAGE

    def _origin(self) -> dict[str, str]:
        """What made this recording what it is, beside the parameters."""
        names = ("cns_ros", "numpy", "torch", "opencv-python-headless", "scipy")
        return {
            "python": platform.python_version(),
            "machine": platform.machine(),
            **{name: _version(name) for name in names},
            **self._weights(),
        }

    def _weights(self) -> dict[str, str]:
        """Name and SHA-256 of the controller's weights, where they lie on this machine."""
        for values in self.parameters.values.values():
            if "weights" in values:
                shipped = share_directory() / "models" / "cns.safetensors"
                path = Path(values["weights"] or shipped).expanduser()
                if path.is_file():
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    return {"weights": str(path), "weights_sha256": digest}
        return {}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _compress(data: bytes) -> bytes:
    """A serialized Image as a serialized CompressedImage; an empty one if it cannot be read."""
    message = deserialize_message(data, Image)
    compressed = CompressedImage(header=message.header, format="bgr8; jpeg compressed bgr8")
    try:
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        compressed.data = cv2.imencode(".jpg", decode(message), quality)[1].tobytes()
    except ValueError:
        compressed.format = f"{message.encoding}: cannot be read"
    return serialize_message(compressed)
