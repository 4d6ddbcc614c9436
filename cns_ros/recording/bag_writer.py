"""An MCAP file of ROS messages that ``ros2 bag`` and Foxglove read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import yaml
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import CompressionType, Writer
from rclpy.qos import DurabilityPolicy, QoSProfile

from cns_ros.recording.schema import message_definition


class BagWriter:
    """Writes serialized messages; a context manager, at whose end the file is complete.

    Attributes:
        path: of the file.
        counts: messages written, by topic.

    Args:
        path: must not exist yet.

    Raises:
        OSError: if the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._file = path.open("xb")
        # Images hardly become smaller, and whatever this takes is taken from the nodes.
        self._writer = Writer(self._file, compression=CompressionType.LZ4)
        self._writer.start(profile="ros2")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.finish()
        self._file.close()

    @property
    def size_bytes(self) -> int:
        """Written so far."""
        return self.path.stat().st_size

    def add_topic(self, topic: str, type_name: str, qos: QoSProfile) -> None:
        """Announce a topic with the type and the quality of service of its messages.

        Raises:
            FileNotFoundError: if the type's definition is not installed.
        """
        if type_name not in self._schemas:
            text = message_definition(type_name).encode()
            self._schemas[type_name] = self._writer.register_schema(
                type_name, SchemaEncoding.ROS2, text
            )
        self._channels[topic] = self._writer.register_channel(
            topic,
            MessageEncoding.CDR,
            self._schemas[type_name],
            # `ros2 bag play` publishes with these: what was latched is latched again.
            {"offered_qos_profiles": yaml.safe_dump([_profile(qos)], sort_keys=False)},
        )

    def write(self, topic: str, data: bytes, published_ns: int | None = None) -> None:
        """Write one message that has just come.

        Args:
            topic: as announced.
            data: the message in CDR.
            published_ns: when it was sent, None if that is not known.
        """
        now_ns = time.time_ns()
        self._writer.add_message(
            self._channels[topic],
            log_time=now_ns,
            data=data,
            publish_time=published_ns or now_ns,
            sequence=self.counts[topic],
        )
        self.counts[topic] += 1

    def attach(self, name: str, media_type: str, text: str) -> None:
        """Put a file of text in."""
        self._writer.add_attachment(0, time.time_ns(), name, media_type, text.encode())

    def note(self, name: str, values: Mapping[str, str]) -> None:
        """Put a record of names and values in."""
        self._writer.add_metadata(name, dict(values))


def _profile(qos: QoSProfile) -> dict[str, object]:
    """A profile in the numbers of rmw, as rosbag2 writes it."""
    endless = {"sec": 2147483647, "nsec": 4294967295}
    return {
        "history": int(qos.history),
        # Of what is latched the last one counts, also when it is played.
        "depth": 1 if qos.durability == DurabilityPolicy.TRANSIENT_LOCAL else qos.depth,
        "reliability": int(qos.reliability),
        "durability": int(qos.durability),
        "deadline": endless,
        "lifespan": endless,
        "liveliness": int(qos.liveliness),
        "liveliness_lease_duration": endless,
        "avoid_ros_namespace_conventions": False,
    }
