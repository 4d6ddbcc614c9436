"""A recording as it lies in an MCAP file, message by message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import NonSeekingReader, make_reader
from rclpy.serialization import deserialize_message

from cns_ros.recording.schema import message_class


@dataclass(frozen=True, eq=False)
class Entry:
    """One message.

    Attributes:
        topic: its name.
        type_name: such as ``sensor_msgs/msg/Image``.
        log_ns: when it was received.
        data: in CDR.
    """

    topic: str
    type_name: str
    log_ns: int
    data: bytes

    def message(self) -> Any:
        """The message itself."""
        return deserialize_message(self.data, message_class(self.type_name))


class BagReader:
    """Reads a recording, also one whose end is missing because the recorder was killed.

    Attributes:
        path: of the file.
        complete: whether the file has its end; known once it was read through.

    Args:
        path: of the file.

    Raises:
        ValueError: if there is no such file, or it is no MCAP file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.complete = True
        try:
            with self.path.open("rb") as file:
                NonSeekingReader(file).get_header()
        except (OSError, McapError) as error:
            raise ValueError(f"{path} is no recording: {error}") from error

    def entries(self, *suffixes: str) -> Iterator[Entry]:
        """The messages in the order of their arrival.

        Args:
            suffixes: of the topics' names, such as ``matches``; none for all topics.
        """
        with self.path.open("rb") as file:
            try:
                for schema, channel, message in NonSeekingReader(file).iter_messages(
                    log_time_order=False
                ):
                    if schema and (not suffixes or _ends(channel.topic, suffixes)):
                        yield Entry(channel.topic, schema.name, message.log_time, message.data)
            except EndOfFile:
                self.complete = False

    def parameters(self, node: str) -> dict[str, Any]:
        """Parameters by name of the node that is called so in whatever namespace; empty if none."""
        for name, content in self._parameters().items():
            if name.rsplit("/", 1)[-1] == node:
                return dict(content["ros__parameters"])
        return {}

    def origin(self) -> dict[str, str]:
        """Versions and the weights' sum, as the recorder has noted them."""
        with self.path.open("rb") as file:
            try:
                notes = {each.name: each.metadata for each in make_reader(file).iter_metadata()}
            except McapError:
                return {}
        return dict(notes.get("cns", {}))

    def _parameters(self) -> dict[str, Any]:
        with self.path.open("rb") as file:
            try:
                attached = {each.name: each.data for each in make_reader(file).iter_attachments()}
            except McapError:
                return {}
        return yaml.safe_load(attached.get("parameters.yaml", b"{}")) or {}


def _ends(topic: str, suffixes: tuple[str, ...]) -> bool:
    """Whether the name is one of those, in whatever namespace."""
    return any(topic == f"/{each}" or topic.endswith(f"/{each}") for each in suffixes)
