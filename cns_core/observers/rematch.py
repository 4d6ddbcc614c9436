"""Match against the desired image beside the stream of frames, so that no frame waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from cns_core.observers.executors import InlineExecutor, patient_worker, prompt_worker
from cns_core.observers.features import select
from cns_core.observers.flow import follow
from cns_core.observers.frame import Frame

_MOST_FRAMES = 250
"""Frames a matching may lag behind; beyond, its result is dropped and memory stays bounded."""
_MOST_FOLLOWED = 150
"""Matches followed to the newest frame: enough to place all keypoints, and quick."""

Match = Callable[[Frame], tuple[np.ndarray, np.ndarray]]
"""(M, 2) pixels in the desired image and (M, 2) in a frame."""


class Rematcher:
    """Runs one matching at a time and brings its result forward to the newest frame.

    Args:
        prompt: runs matchings that a frame is waiting for.
        patient: runs the others.
    """

    def __init__(self, prompt: Executor, patient: Executor) -> None:
        self._prompt, self._patient = prompt, patient
        self._job: Future[_Matches] | None = None
        self._halves: list[np.ndarray] = []

    @classmethod
    def in_background(cls) -> Rematcher:
        """One whose matchings run in worker threads."""
        return cls(prompt_worker(), patient_worker())

    @classmethod
    def inline(cls) -> Rematcher:
        """One that matches inside :meth:`submit`, so that the outcome is independent of timing."""
        executor = InlineExecutor()
        return cls(executor, executor)

    @property
    def busy(self) -> bool:
        """Whether a matching is under way."""
        return self._job is not None

    def submit(self, match: Match, frame: Frame, patient: bool) -> None:
        """Start ``match(frame)``.

        Args:
            patient: leave the processor to whoever else needs it.
        """
        self._halves = [frame.half]
        executor = self._patient if patient else self._prompt
        self._job = executor.submit(_run, match, frame, self._halves)

    def poll(self, half: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Take the newest half-size image; the finished matches, followed to it, or None."""
        if self._job is None:
            return None
        if half is not self._halves[-1]:
            self._halves.append(half)
        if not self._job.done():
            if len(self._halves) > _MOST_FRAMES:
                self.forget()
            return None
        job, halves = self._job, self._halves
        self.forget()  # first: a matching that failed is told once, and the next may succeed
        matches = _bring_forward(job.result(), halves)
        return matches.desired, matches.current

    def forget(self) -> None:
        """Ignore the matching under way."""
        self._job, self._halves = None, []

    def close(self) -> None:
        """Stop the workers."""
        self.forget()
        for executor in (self._prompt, self._patient):
            executor.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _Matches:
    """(M, 2) pixels in the desired image and in frame number ``frame`` since the matching."""

    desired: np.ndarray
    current: np.ndarray
    velocity: np.ndarray
    frame: int = 0


def _run(match: Match, frame: Frame, halves: list[np.ndarray]) -> _Matches:
    """Match, then catch up with the frames that came in the meantime."""
    desired, current = match(frame)
    if len(desired) > _MOST_FOLLOWED:
        kept = select(desired, np.ones(len(desired)), _MOST_FOLLOWED, 0.0)
        desired, current = desired[kept], current[kept]
    return _bring_forward(_Matches(desired, current, np.zeros_like(current)), halves)


def _bring_forward(matches: _Matches, halves: list[np.ndarray]) -> _Matches:
    """Follow matches to the newest of ``halves``, to which another thread may be adding."""
    while matches.frame < len(halves) - 1:
        before, after = halves[matches.frame], halves[matches.frame + 1]
        guess = matches.current + matches.velocity
        moved, found = follow(before, after, matches.current, guess)
        matches = _Matches(
            matches.desired[found],
            moved[found],
            (moved - matches.current)[found],
            matches.frame + 1,
        )
    return matches
