"""A deadline that holds even inside a native call that never returns and never lets go."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


def set_deadline(seconds: float) -> None:
    """Let the kernel end this process after that many seconds; 0 takes the deadline back.

    The signal keeps its default action, so no Python code has to run for it: a client library that
    hangs while it holds the interpreter is ended all the same. The parent sees SIGALRM.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End the process unless the block is left in time."""
    set_deadline(seconds)
    try:
        yield
    finally:
        set_deadline(0.0)
