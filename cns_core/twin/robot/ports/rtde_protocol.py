"""Packets and data recipes of RTDE version 2 (Universal Robots, "Real-Time Data Exchange guide").

A packet is its size (two bytes, big-endian, including this header of three), a type, a payload.
"""

import enum
import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

_HEADER = struct.Struct(">HB")

_TYPES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT32": "I",
    "UINT64": "Q",
    "INT32": "i",
    "DOUBLE": "d",
    "VECTOR3D": "3d",
    "VECTOR6D": "6d",
    "VECTOR6INT32": "6i",
}

_FIELDS = {
    "DOUBLE": "timestamp actual_execution_time speed_scaling target_speed_fraction"
    " actual_momentum actual_main_voltage actual_robot_voltage actual_robot_current"
    " standard_analog_input0 standard_analog_input1 standard_analog_output0"
    " standard_analog_output1 payload",
    "VECTOR3D": "actual_tool_accelerometer payload_cog",
    "VECTOR6D": "target_q target_qd target_qdd target_current target_moment actual_q actual_qd"
    " actual_current actual_current_as_torque joint_control_output actual_TCP_pose"
    " actual_TCP_speed actual_TCP_force target_TCP_pose target_TCP_speed joint_temperatures"
    " actual_joint_voltage ft_raw_wrench payload_inertia external_force_torque",
    "VECTOR6INT32": "joint_mode",
    "INT32": "robot_mode safety_mode safety_status",
    "UINT32": "runtime_state robot_status_bits safety_status_bits",
    "UINT64": "actual_digital_input_bits actual_digital_output_bits",
}
_REGISTERS = {
    f"{direction}_{kind}_register_{i}": rtde_type
    for direction in ("input", "output")
    for kind, rtde_type in (("int", "INT32"), ("double", "DOUBLE"))
    for i in range(48)
}
_TYPE_OF_FIELD = {
    name: kind for kind, names in _FIELDS.items() for name in names.split()
} | _REGISTERS
_ZEROS: dict[str, "Value"] = {
    "DOUBLE": 0.0,
    "VECTOR3D": (0.0,) * 3,
    "VECTOR6D": (0.0,) * 6,
    "VECTOR6INT32": (0,) * 6,
    "INT32": 0,
    "UINT32": 0,
    "UINT64": 0,
}

Value: TypeAlias = float | Sequence[float]
"""Of a field: a number, or the elements of a vector."""


class ProtocolError(ValueError):
    """Bytes that are not the protocol; the controller closes the connection."""


class PacketType(enum.IntEnum):
    REQUEST_PROTOCOL_VERSION = ord("V")
    GET_URCONTROL_VERSION = ord("v")
    TEXT_MESSAGE = ord("M")
    DATA_PACKAGE = ord("U")
    SETUP_OUTPUTS = ord("O")
    SETUP_INPUTS = ord("I")
    START = ord("S")
    PAUSE = ord("P")


_PACKET_TYPES = frozenset(PacketType)


def packet(packet_type: int, payload: bytes = b"") -> bytes:
    """One packet as bytes."""
    return _HEADER.pack(_HEADER.size + len(payload), packet_type) + payload


class PacketStream:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[tuple[PacketType, bytes]]:
        """The list of (type, payload) that are complete now; ProtocolError if out of step."""
        pending = self._pending + data
        packets: list[tuple[PacketType, bytes]] = []
        while len(pending) >= _HEADER.size:
            size, kind = _HEADER.unpack_from(pending)
            if size < _HEADER.size:
                raise ProtocolError(f"an RTDE packet of {size} bytes")
            if kind not in _PACKET_TYPES:
                raise ProtocolError(f"an RTDE packet of type {kind}")
            if len(pending) < size:
                break
            packets.append((PacketType(kind), pending[_HEADER.size : size]))
            pending = pending[size:]
        self._pending = pending
        return packets


class Recipe:
    """The fields of one kind of data package, in order.

    Args:
        names: comma-separated field names; an empty one after the last comma is passed over.
    """

    def __init__(self, names: str) -> None:
        self.names = tuple(name for name in names.split(",") if name)
        self.types = [_TYPE_OF_FIELD.get(name, "NOT_FOUND") for name in self.names]
        self.is_known = "NOT_FOUND" not in self.types
        formats = [_TYPES[kind] for kind in self.types] if self.is_known else []
        self._struct = struct.Struct(">" + "".join(formats))
        self._vectors = [len(item) > 1 for item in formats]

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """Bytes of the fields found in a mapping from names to numbers or sequences."""
        flat: list[float] = []
        for name in self.names:
            value = values[name]
            if isinstance(value, Sequence):
                flat.extend(value)
            else:
                flat.append(value)
        return self._struct.pack(*flat)

    def unpack(self, data: bytes) -> dict[str, float]:
        """Dict of the fields, scalars only; ProtocolError if the size is wrong."""
        if len(data) != self._struct.size or any(self._vectors):
            raise ProtocolError(f"a data package of {len(data)} bytes, not {self._struct.size}")
        return dict(zip(self.names, self._struct.unpack(data), strict=True))


def zero_fields() -> dict[str, Value]:
    """A value for every known field that is no register."""
    return {name: _ZEROS[kind] for kind, names in _FIELDS.items() for name in names.split()}


def zero_registers() -> dict[str, Value]:
    """All general-purpose registers, zero."""
    return {name: _ZEROS[kind] for name, kind in _REGISTERS.items()}
