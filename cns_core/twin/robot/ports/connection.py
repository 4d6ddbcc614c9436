"""Non-blocking TCP connections that can be given a slow and jittery network."""

import collections
import contextlib
import random
import socket

LOCALHOST = "127.0.0.1"
"""Where a control box listens unless told otherwise."""

_CHUNK = 65536
_LARGEST_BACKLOG = 1 << 20


class Network:
    """Delay of every chunk of bytes in either direction, in seconds; both 0 is no fault."""

    def __init__(self) -> None:
        self.delay_s = self.jitter_s = 0.0
        self._random = random.Random(0)

    def latency_s(self) -> float:
        """Delay of the next chunk."""
        return self.delay_s + self.jitter_s * self._random.random()


class _DelayLine:
    """Chunks in order, each due at a time; a late one holds up those behind it, as TCP does."""

    def __init__(self) -> None:
        self._chunks: collections.deque[tuple[float, bytes]] = collections.deque()

    def put(self, data: bytes, due_s: float) -> None:
        if self._chunks:
            due_s = max(due_s, self._chunks[-1][0])
        self._chunks.append((due_s, data))

    def take(self, now_s: float) -> bytes:
        if not self._chunks:
            return b""
        due = []
        while self._chunks and self._chunks[0][0] <= now_s:
            due.append(self._chunks.popleft()[1])
        return b"".join(due)


class Connection:
    """One client's socket; ``closed`` once either side has hung up."""

    def __init__(self, client_socket: socket.socket, network: Network) -> None:
        client_socket.setblocking(False)
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = client_socket
        self._network = network
        self._incoming, self._outgoing = _DelayLine(), _DelayLine()
        self._unsent = b""
        self.closed = False

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def read(self, now_s: float) -> None:
        """Take what the socket holds, to be handed out by :meth:`received`."""
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._incoming.put(data, now_s + self._network.latency_s())
        else:
            self.close()

    def received(self, now_s: float) -> bytes:
        """Bytes that have arrived by now, perhaps none."""
        return self._incoming.take(now_s)

    def send(self, data: bytes, now_s: float) -> None:
        """Send, without ever waiting for the client."""
        self._outgoing.put(data, now_s + self._network.latency_s())
        self.flush(now_s)

    def flush(self, now_s: float) -> None:
        """Send what has become due; a client that does not read is dropped."""
        self._unsent += self._outgoing.take(now_s)
        if not self._unsent or self.closed:
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
        if len(self._unsent) > _LARGEST_BACKLOG:
            self.close()

    def close(self) -> None:
        """Hang up."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def listen(host: str, port: int) -> socket.socket:
    """A non-blocking listening socket.

    Raises:
        OSError: if the address is taken or not of this machine.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}:{port}: {error}") from error
    listener.setblocking(False)
    listener.listen(128)
    return listener
