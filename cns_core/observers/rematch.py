"""Match against the desired image beside the stream of frames, so that no frame waits for it."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from cns_core.observers.flow import follow

_MOST_FRAMES = 25
"""Frames a match may lag behind; later it is dropped, for following it costs time."""


class _Inline:
    """Executes at once, in the caller's thread."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self, **_):
        pass


class Rematcher:
    """Runs one matching at a time and brings its result forward to the newest frame.

    Args:
        background: match in a worker thread; otherwise inside :meth:`submit`, which makes the
            outcome independent of timing.
    """

    def __init__(self, background):
        self._executor = ThreadPoolExecutor(1, "rematch") if background else _Inline()
        self._job = None
        self._frames = []

    @property
    def busy(self):
        """Whether a matching is under way."""
        return self._job is not None

    def submit(self, match, grey, half):
        """Start ``match(grey)``, which returns (M, 2) desired and (M, 2) current pixels."""
        self._job = self._executor.submit(match, grey)
        self._frames = [half]

    def poll(self, half):
        """Take the newest frame; return the finished matches, followed to it, or None."""
        if self._job is None:
            return None
        if half is not self._frames[-1]:
            self._frames.append(half)
        if len(self._frames) > _MOST_FRAMES:
            self.forget()
            return None
        if not self._job.done():
            return None
        desired, current = self._job.result()
        frames = self._frames
        self.forget()
        return _bring_forward(desired, current, frames)

    def forget(self):
        """Ignore the matching under way."""
        self._job, self._frames = None, []

    def close(self):
        """Stop the worker."""
        self.forget()
        self._executor.shutdown(wait=True, cancel_futures=True)


def _bring_forward(desired, current, frames):
    velocity = np.zeros_like(current)
    for before, after in zip(frames, frames[1:], strict=False):
        moved, found = follow(before, after, current, current + velocity)
        velocity = (moved - current)[found]
        desired, current = desired[found], moved[found]
    return desired, current
