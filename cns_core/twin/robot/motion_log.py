"""The arm's motion of the last minute in shared memory, read without locks by any process.

A ring of rows, one a tick, and a count of rows written. A row is complete before the count says
so and is not touched again until the ring has gone round, so a reader needs no lock.
"""

import contextlib
import mmap
import os
import pathlib
import tempfile
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROWS = 32768
_COLUMNS = 19
_HEADER = 64
_SIZE = _HEADER + _ROWS * _COLUMNS * 8


class ArmState(NamedTuple):
    """Joint angles (6,) in rad and velocities (6,) in rad/s at a time of the monotonic clock."""

    time_s: float
    q: NDArray[np.float64]
    qd: NDArray[np.float64]


class Motion(NamedTuple):
    """A stretch of motion, one row a tick: (n,), (n, 6), (n, 6), and the TCP's (n, 6) velocity."""

    time_s: NDArray[np.float64]
    q: NDArray[np.float64]
    qd: NDArray[np.float64]
    tcp_velocity: NDArray[np.float64]


class LoggedMotion(Protocol):
    """An arm whose motion is logged, a control box for one."""

    def motion_log(self, since_s: float = 0.0) -> Motion:
        """The :class:`Motion` after a time of the monotonic clock, the last minute at most."""


def _path(host: str) -> pathlib.Path:
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    return pathlib.Path(folder, f"cns-twin-{os.getuid()}-{host}")


class _Ring:
    def __init__(self, memory: mmap.mmap) -> None:
        self._count = np.frombuffer(memory, np.uint64, 1)
        self._rows = np.frombuffer(memory, float, offset=_HEADER).reshape(_ROWS, _COLUMNS)


class MotionWriter(_Ring):
    """The one writer: the control box listening on ``host``."""

    def __init__(self, host: str) -> None:
        self._path = _path(host)
        # A new file, because a reader may still hold the memory of a box that was killed.
        self._path.unlink(missing_ok=True)
        with open(self._path, "x+b") as file:
            file.truncate(_SIZE)
            super().__init__(mmap.mmap(file.fileno(), _SIZE))
        self._written = 0

    def append(self, time_s: float, q: ArrayLike, qd: ArrayLike, tcp_velocity: ArrayLike) -> None:
        """Add the state of one tick, see :class:`Motion`."""
        row = self._rows[self._written % _ROWS]
        row[0], row[1:7], row[7:13], row[13:] = time_s, q, qd, tcp_velocity
        self._written += 1
        self._count[0] = self._written

    def ticks_ago(
        self, ticks: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(q, qd, tcp_velocity) of an earlier tick, the oldest at hand at most."""
        row = self._rows[(self._written - 1 - min(ticks, self._written - 1, _ROWS - 1)) % _ROWS]
        return row[1:7], row[7:13], row[13:]

    def close(self) -> None:
        """Remove the log."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class MotionReader(_Ring):
    """Reads the motion of the control box listening on ``host``, from any process.

    Raises:
        ConnectionError: if no box has been listening there.
    """

    def __init__(self, host: str) -> None:
        try:
            with open(_path(host), "rb") as file:
                super().__init__(mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ))
        except (FileNotFoundError, ValueError) as error:
            raise ConnectionError(f"no simulated control box on {host}") from error

    def state(self) -> ArmState:
        """The newest :class:`ArmState`."""
        row = self._rows[(int(self._count[0]) - 1) % _ROWS].copy()
        return ArmState(float(row[0]), row[1:7], row[7:13])

    def since(self, time_s: float) -> Motion:
        """The :class:`Motion` after a time of the monotonic clock, a minute's worth at most."""
        count = int(self._count[0])
        # The oldest rows may be overwritten while they are copied, so they are left out.
        wanted = np.arange(max(0, count - _ROWS + 1024), count) % _ROWS
        first = np.searchsorted(self._rows[wanted, 0], time_s, side="right")
        rows = self._rows[wanted[first:]]
        return Motion(rows[:, 0], rows[:, 1:7], rows[:, 7:13], rows[:, 13:])
