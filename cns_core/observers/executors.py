"""Where a matching runs: at once, beside the frames, or behind whoever else needs the processor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import get_native_id
from typing import ParamSpec, TypeVar

_NICENESS = 10

_P = ParamSpec("_P")
_T = TypeVar("_T")


class InlineExecutor(Executor):
    """Executes at once, in the caller's thread; an exception is raised there."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def prompt_worker() -> ThreadPoolExecutor:
    """One worker thread with the caller's priority."""
    return ThreadPoolExecutor(1, "rematch")


def patient_worker() -> ThreadPoolExecutor:
    """One worker thread that may take long, so that the frames do not."""
    return ThreadPoolExecutor(1, "rematch", _give_way)


def _give_way() -> None:
    """Lower the priority of the calling thread, where threads have one of their own."""
    if sys.platform == "linux":
        # Who runs at a lower one already may not raise it.
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, get_native_id(), max(own, _NICENESS))
