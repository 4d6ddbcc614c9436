"""Bytes that a healthy controller never sends."""

from collections.abc import Callable
from random import Random

from cns_core.twin.robot.ports.rtde_protocol import PacketType, packet

_LENGTH = 512


def dashboard_line(random: Random) -> bytes:
    """Bytes in the place of a dashboard's answer, the newline at its end kept."""
    return random.randbytes(_LENGTH).replace(b"\n", b"") + b"\n"


def rtde_bytes(kind: str, random: Random) -> bytes:
    """Bytes to slip between two RTDE packets.

    Args:
        kind: one of ``RTDE_KINDS``.
        random: what is drawn comes from it.

    Raises:
        ValueError: if there is no such kind.
    """
    if kind not in _RTDE:
        raise ValueError(f"unknown kind of garbage {kind!r}, known are {RTDE_KINDS}")
    return _RTDE[kind](random)


_RTDE: dict[str, Callable[[Random], bytes]] = {
    "noise": lambda random: random.randbytes(_LENGTH),
    "no_size": lambda random: b"\x00\x00" + random.randbytes(1),
    "too_large": lambda random: b"\xff\xff" + bytes([PacketType.DATA_PACKAGE]),
    "unknown_type": lambda random: packet(ord("?"), random.randbytes(20)),
    "unknown_recipe": lambda random: packet(PacketType.DATA_PACKAGE, b"\xfe" + bytes(100)),
    "short_package": lambda random: packet(PacketType.DATA_PACKAGE, b"\x01" + bytes(5)),
    "wild_values": lambda random: packet(
        PacketType.DATA_PACKAGE, b"\x01" + random.randbytes(random.randrange(1, 4000))
    ),
}
RTDE_KINDS = tuple(_RTDE)
