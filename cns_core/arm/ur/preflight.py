"""Asks a robot whether it is there and listens, with timeouts, before ur-rtde is let near it.

ur-rtde's constructors wait for ever on a host that accepts connections and stays silent.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import BinaryIO

DASHBOARD_PORT = 29999
RTDE_PORT = 30004
_VERSION_REQUEST = struct.pack(">HBH", 5, ord("V"), 2)
_VERSION_ACCEPTED = struct.pack(">HBB", 4, ord("V"), 1)
_LONGEST_LINE = 4096


class Unreachable(Exception):
    """Why there is no robot to talk to."""


def check_reachable(host: str, timeout_s: float = 2.0) -> None:
    """Make sure that dashboard and RTDE answer.

    Raises:
        Unreachable: naming address, port and what went wrong.
    """
    ask_dashboard(host, "PolyscopeVersion", timeout_s)
    with _connection(host, RTDE_PORT, timeout_s) as (connection, stream):
        connection.sendall(_VERSION_REQUEST)
        answer = stream.read(len(_VERSION_ACCEPTED))
        if answer != _VERSION_ACCEPTED:
            raise Unreachable(f"{host}:{RTDE_PORT} does not speak RTDE 2, it answered {answer!r}")


def ask_dashboard(host: str, command: str, timeout_s: float = 2.0) -> str:
    """The dashboard's one-line answer to a command.

    Raises:
        Unreachable: naming address, port and what went wrong.
    """
    with _connection(host, DASHBOARD_PORT, timeout_s) as (connection, stream):
        banner = stream.readline(_LONGEST_LINE)
        if b"Dashboard" not in banner:
            raise Unreachable(
                f"{host}:{DASHBOARD_PORT} is no UR dashboard, it said {banner[:80]!r}"
            )
        connection.sendall(command.encode() + b"\n")
        return stream.readline(_LONGEST_LINE).decode(errors="replace").strip()


@contextlib.contextmanager
def _connection(host: str, port: int, timeout_s: float) -> Iterator[tuple[socket.socket, BinaryIO]]:
    try:
        with (
            socket.create_connection((host, port), timeout_s) as connection,
            connection.makefile("rb") as stream,
        ):
            yield connection, stream
    except TimeoutError:
        raise Unreachable(f"{host}:{port} does not answer within {timeout_s} s") from None
    except OSError as error:
        raise Unreachable(f"{host}:{port}: {error.strerror or error}") from error
