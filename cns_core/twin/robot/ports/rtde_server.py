"""The controller's end of RTDE: recipes, published data, and who may write which register."""

import math
import struct
from collections.abc import Callable

from cns_core.twin.robot.motions import TICK_S
from cns_core.twin.robot.ports.rtde_protocol import (
    PacketStream,
    PacketType,
    ProtocolError,
    Recipe,
    packet,
)
from cns_core.twin.robot.ports.session import Box, Send

PORT = 30004
_URCONTROL_VERSION = struct.pack(">4I", 5, 15, 0, 0)
_PROTOCOL_VERSION = 2


class RtdeSession:
    """One RTDE client.

    Args:
        box: what is published and written, and who may write.
        send: to the client.
    """

    def __init__(self, box: Box, send: Send) -> None:
        self._box = box
        self._send = send
        self._stream = PacketStream()
        self._outputs: Recipe | None = None
        self._every_ticks = 1
        self._inputs: list[Recipe] = []
        self._started = False

    def receive(self, data: bytes) -> None:
        """Answer the packets that are complete now; ProtocolError for what is not RTDE."""
        for kind, payload in self._stream.feed(data):
            if kind == PacketType.DATA_PACKAGE:
                self._write_registers(payload)
            elif kind in _ANSWERS:
                self._send(packet(kind, _ANSWERS[kind](self, payload)))

    def tick(self) -> None:
        """Publish a data package if one is due."""
        outputs = self._outputs if self._started else None
        if outputs is not None and self._box.robot.ticks % self._every_ticks == 0:
            data = outputs.pack(self._box.telemetry.values())
            self._send(packet(PacketType.DATA_PACKAGE, b"\x01" + data))

    def close(self) -> None:
        """Give back the registers this client held."""
        owners = self._box.register_owners
        for name in [name for name, owner in owners.items() if owner is self]:
            del owners[name]

    def _version(self, payload: bytes) -> bytes:
        return bytes([payload == struct.pack(">H", _PROTOCOL_VERSION)])

    def _urcontrol_version(self, _: bytes) -> bytes:
        return _URCONTROL_VERSION

    def _setup_outputs(self, payload: bytes) -> bytes:
        if len(payload) < 8:
            raise ProtocolError("an output recipe without a frequency")
        (frequency,) = struct.unpack_from(">d", payload)
        if not (math.isfinite(frequency) and frequency > 0.0):
            raise ProtocolError(f"an output recipe at {frequency} Hz")
        recipe = Recipe(payload[8:].decode("ascii"))
        if recipe.is_known:
            self._outputs = recipe
            self._every_ticks = max(1, round(1.0 / (TICK_S * frequency)))
        return bytes([recipe.is_known]) + ",".join(recipe.types).encode()

    def _setup_inputs(self, payload: bytes) -> bytes:
        recipe = Recipe(payload.decode("ascii"))
        owners = self._box.register_owners
        taken = [owners.get(name, self) is not self for name in recipe.names]
        types = ["IN_USE" if used else kind for used, kind in zip(taken, recipe.types, strict=True)]
        if any(taken) or not recipe.is_known:
            return b"\x00" + ",".join(types).encode()
        owners.update(dict.fromkeys(recipe.names, self))
        self._inputs.append(recipe)
        return bytes([len(self._inputs)]) + ",".join(types).encode()

    def _start(self, _: bytes) -> bytes:
        self._started = self._outputs is not None
        return bytes([self._started])

    def _pause(self, _: bytes) -> bytes:
        self._started = False
        return b"\x01"

    def _write_registers(self, payload: bytes) -> None:
        recipe_id = payload[0] if payload else 0
        if not 1 <= recipe_id <= len(self._inputs):
            raise ProtocolError(f"a data package for recipe {recipe_id}")
        self._box.robot.write_inputs(self._inputs[recipe_id - 1].unpack(payload[1:]))


_ANSWERS: dict[PacketType, Callable[[RtdeSession, bytes], bytes]] = {
    PacketType.REQUEST_PROTOCOL_VERSION: RtdeSession._version,
    PacketType.GET_URCONTROL_VERSION: RtdeSession._urcontrol_version,
    PacketType.SETUP_OUTPUTS: RtdeSession._setup_outputs,
    PacketType.SETUP_INPUTS: RtdeSession._setup_inputs,
    PacketType.START: RtdeSession._start,
    PacketType.PAUSE: RtdeSession._pause,
}
