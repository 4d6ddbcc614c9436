"""What of a recording an observer works on: images, goals, calibrations and its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from cns_core.geometry.correspondence import Correspondence
from cns_ros.recording.bag_reader import BagReader, Entry
from cns_ros.ros.clock import nanoseconds
from cns_ros.ros.matches import correspondence_from_matches

KINDS = {"sensor_msgs/msg/Image": "raw", "sensor_msgs/msg/CompressedImage": "compressed"}
"""Type of a topic of images: how it calls itself as ``image_transport``."""

_NO_CAMERA_IMAGES = ("goal", "desired_image", "debug_image")


@dataclass
class Footage:
    """What of a recording an observer works on; each list in the order of the stamps.

    Attributes:
        answers: the matches by their image's stamp.
        goals, infos: with their stamps.
        left_out: keypoints that it leaves out, matched there, from the image of that stamp on.
        topics: images on each topic, with their type.
    """

    answers: dict[int, PointCloud2] = field(default_factory=dict)
    goals: list[tuple[int, Image]] = field(default_factory=list)
    infos: list[tuple[int, CameraInfo]] = field(default_factory=list)
    left_out: list[tuple[int, Correspondence]] = field(default_factory=list)
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, bag: BagReader) -> Footage:
        """All but the images themselves, which are too many to be held."""
        found = cls()
        for entry in bag.entries():
            if entry.topic.endswith("/matches"):
                message = entry.message()
                found.answers[nanoseconds(message.header.stamp)] = message
            elif entry.topic.endswith("/observer/goal"):
                message = entry.message()
                found.goals.append((nanoseconds(message.header.stamp), message))
            elif entry.topic.endswith("/observer/left_out"):
                message = entry.message()
                told = nanoseconds(message.header.stamp), correspondence_from_matches(message)
                found.left_out.append(told)
            elif entry.type_name == "sensor_msgs/msg/CameraInfo":
                message = entry.message()
                found.infos.append((nanoseconds(message.header.stamp), message))
            elif entry.type_name in KINDS and not entry.topic.endswith(_NO_CAMERA_IMAGES):
                found.topics[entry.topic, entry.type_name] += 1
        return found

    def images(self, bag: BagReader, transport: str) -> Iterator[Entry]:
        """The camera's images in their order, those of the wanted transport if there are such."""
        by_count = sorted(self.topics, key=lambda key: self.topics[key], reverse=True)
        wanted = [key for key in by_count if KINDS[key[1]] == transport] or by_count
        if wanted:
            topic = wanted[0][0]
            yield from (each for each in bag.entries(topic.lstrip("/")) if each.topic == topic)
