"""Match against the desired image beside the stream of frames, so that no frame waits for it."""

import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import get_native_id

import numpy as np

from cns_core.observers.features import spread
from cns_core.observers.flow import follow

_MOST_FRAMES = 250
"""Frames a matching may lag behind; beyond, its result is dropped and memory stays bounded."""
_MOST_FOLLOWED = 150
"""Matches followed to the newest frame: enough to place all keypoints, and quick."""
_NICENESS = 10
"""Of a matching while keypoints are followed: it may take long, the frames must not."""


class MatchingSchedule:
    """Decides when matching is worth its time.

    Args:
        rematch_every: match at least once in this many frames, None for only when following has
            lost much.
    """

    ENOUGH = 25
    _ENOUGH_SHARE = 0.5
    _SHORTEST, _LONGEST = 3, 60

    def __init__(self, rematch_every=None):
        self._every = rematch_every or float("inf")
        self._pause = self._SHORTEST
        self._since = self._LONGEST

    def due(self, tracked, in_view):
        """Whether to match now; called once a frame.

        Args:
            tracked: number of keypoints followed.
            in_view: number of keypoints the image should show.
        """
        self._since += 1
        if tracked < self.ENOUGH:
            return self._since >= self._SHORTEST
        few = tracked < self._ENOUGH_SHARE * in_view
        return self._since >= (self._pause if few else self._every)

    def matched(self, before, after):
        """Note the number of keypoints before and after a matching: futile ones grow rarer."""
        gained = after > 1.1 * before + 3
        self._pause = self._SHORTEST if gained else min(2 * self._pause, self._LONGEST)
        self._since = 0


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
        self._prompt = ThreadPoolExecutor(1, "rematch") if background else _Inline()
        self._patient = ThreadPoolExecutor(1, "rematch", _give_way) if background else self._prompt
        self._job = None
        self._frames = []

    @property
    def busy(self):
        """Whether a matching is under way."""
        return self._job is not None

    def submit(self, match, grey, half, patient):
        """Start ``match(grey, half)``: (M, 2) pixels in the desired image and in this one.

        Args:
            patient: leave the processor to whoever else needs it.
        """
        self._frames = [half]
        executor = self._patient if patient else self._prompt
        self._job = executor.submit(_run, match, grey, self._frames)

    def poll(self, half):
        """Take the newest frame; return the finished matches, followed to it, or None."""
        if self._job is None:
            return None
        if half is not self._frames[-1]:
            self._frames.append(half)
        if not self._job.done():
            if len(self._frames) > _MOST_FRAMES:
                self.forget()
            return None
        job, frames = self._job, self._frames
        self.forget()  # first: a matching that failed is told once, and the next may succeed
        matches = _bring_forward(job.result(), frames)
        return matches.desired, matches.current

    def forget(self):
        """Ignore the matching under way."""
        self._job, self._frames = None, []

    def close(self):
        """Stop the worker."""
        self.forget()
        for executor in (self._prompt, self._patient):
            executor.shutdown(wait=True, cancel_futures=True)


def _give_way():
    """Lower the priority of the calling thread, where threads have one of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)


@dataclass(frozen=True)
class _Matches:
    """(M, 2) pixels in the desired image and in frame number ``frame`` since the matching."""

    desired: np.ndarray
    current: np.ndarray
    velocity: np.ndarray
    frame: int = 0


def _run(match, grey, frames):
    """Match, then catch up with the frames that came in the meantime."""
    desired, current = match(grey, frames[0])
    if len(desired) > _MOST_FOLLOWED:
        kept = spread(desired, np.ones(len(desired)), _MOST_FOLLOWED, 0.0)
        desired, current = desired[kept], current[kept]
    return _bring_forward(_Matches(desired, current, np.zeros_like(current)), frames)


def _bring_forward(matches, frames):
    """Follow matches to the newest of ``frames``, to which another thread may be adding."""
    while matches.frame < len(frames) - 1:
        before, after = frames[matches.frame], frames[matches.frame + 1]
        guess = matches.current + matches.velocity
        moved, found = follow(before, after, matches.current, guess)
        matches = _Matches(
            matches.desired[found],
            moved[found],
            (moved - matches.current)[found],
            matches.frame + 1,
        )
    return matches
