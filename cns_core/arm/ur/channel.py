"""Messages between the driver and its worker process: JSON over a socket that keeps boundaries."""

from __future__ import annotations

import json
import select
import socket
from typing import Any

_LARGEST = 65536


class ChannelClosed(Exception):
    """The process at the other end is gone."""


class Channel:
    """One end of the connection. Nothing ever blocks in sending: what does not fit is dropped.

    Both sides send states and commands of which only the newest counts, so a message lost because
    the other side is stuck would be out of date when it came unstuck.
    """

    def __init__(self, end: socket.socket):
        self._socket = end
        self._socket.setblocking(False)

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """A channel, and the plain socket of its other end, to be inherited by a child."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    def send(self, **message: Any) -> bool:
        """Send one message; return False if it was dropped.

        Raises:
            ChannelClosed: if nobody is there to receive it.
        """
        try:
            self._socket.send(json.dumps(message).encode())
        except BlockingIOError:
            return False
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        return True

    def receive(self, timeout_s: float = 0.0) -> list[dict[str, Any]]:
        """Wait until something arrives or the time is over; list of all messages at hand.

        Raises:
            ChannelClosed: when the other end is closed and everything sent has been received.
        """
        messages: list[dict[str, Any]] = []
        if not select.select([self._socket], [], [], max(0.0, timeout_s))[0]:
            return messages
        while True:
            try:
                data = self._socket.recv(_LARGEST)
            except BlockingIOError:
                return messages
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not data:
                if messages:
                    return messages
                raise ChannelClosed("the other end is closed")
            messages.append(json.loads(data))

    def close(self) -> None:
        """Close this end, which the other one notices."""
        self._socket.close()
