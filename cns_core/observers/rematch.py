"""Match against the desired image beside the stream of frames, so that no frame waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from cns_core.observers.executors import InlineExecutor, patient_worker, prompt_worker
from cns_core.observers.features import select
from cns_core.observers.flow import follow
from cns_core.observers.frame import Frame
from cns_core.observers.scene_first import Matches, weight

_MOST_FRAMES = 250
"""Frames a matching may lag behind; beyond, its result is dropped and memory stays bounded."""
_MOST_FOLLOWED = 150
"""Matches followed to the newest frame: enough to place all keypoints, and quick."""

Match = Callable[[Frame], Sequence[Matches]]
"""Sets of matches with a frame, each by means of its own."""


class Rematcher:
    """Runs one matching and one search at a time and brings them forward to the newest frame.

    Args:
        prompt: runs matchings that a frame is waiting for.
        patient: runs the others.
        searcher: runs searches, which take long, beside the matchings; None where a matching
            searches itself.
    """

    def __init__(
        self, prompt: Executor, patient: Executor, searcher: Executor | None = None
    ) -> None:
        self._prompt, self._patient, self._searcher = prompt, patient, searcher
        self._matching, self._searching = _Slot(), _Slot()

    @classmethod
    def in_background(cls) -> Rematcher:
        """One whose matchings run in worker threads."""
        return cls(prompt_worker(), patient_worker(), prompt_worker())

    @classmethod
    def inline(cls) -> Rematcher:
        """One that matches inside :meth:`submit`, so that the outcome is independent of timing."""
        executor = InlineExecutor()
        return cls(executor, executor)

    @property
    def busy(self) -> bool:
        """Whether a matching is under way."""
        return self._matching.busy

    @property
    def may_search(self) -> bool:
        """Whether :meth:`search` has a worker of its own that is free."""
        return self._searcher is not None and not self._searching.busy

    @property
    def searches(self) -> bool:
        """Whether there is a worker for searches."""
        return self._searcher is not None

    def submit(self, match: Match, frame: Frame, patient: bool) -> None:
        """Start ``match(frame)``.

        Args:
            patient: leave the processor to whoever else needs it.
        """
        self._matching.start(self._patient if patient else self._prompt, match, frame)

    def search(self, match: Match, frame: Frame) -> None:
        """Start ``match(frame)`` beside what :meth:`submit` starts, if :attr:`may_search`."""
        if self._searcher is not None and self.may_search:
            self._searching.start(self._searcher, match, frame)

    def poll(self, half: np.ndarray) -> list[Matches]:
        """Take the newest half-size image; the finished matches, followed to it, the better sets
        first, or nothing."""
        found = self._matching.poll(half) + self._searching.poll(half)
        return sorted(found, key=weight, reverse=True)

    def forget(self) -> None:
        """Ignore what is under way."""
        self._matching.forget()
        self._searching.forget()

    def close(self) -> None:
        """Stop the workers."""
        self.forget()
        for executor in filter(None, (self._prompt, self._patient, self._searcher)):
            executor.shutdown(wait=True, cancel_futures=True)


class _Slot:
    """One job, and the half-size images since its frame."""

    def __init__(self) -> None:
        self._job: Future[list[_Matches]] | None = None
        self._halves: list[np.ndarray] = []

    @property
    def busy(self) -> bool:
        return self._job is not None

    def start(self, executor: Executor, match: Match, frame: Frame) -> None:
        self._halves = [frame.half]
        self._job = executor.submit(_run, match, frame, self._halves)

    def poll(self, half: np.ndarray) -> list[Matches]:
        if self._job is None:
            return []
        if half is not self._halves[-1]:
            self._halves.append(half)
        if not self._job.done():
            if len(self._halves) > _MOST_FRAMES:
                self.forget()
            return []
        job, halves = self._job, self._halves
        self.forget()  # first: a matching that failed is told once, and the next may succeed
        forward = [_bring_forward(matches, halves) for matches in job.result()]
        return [(matches.desired, matches.current) for matches in forward]

    def forget(self) -> None:
        self._job, self._halves = None, []


@dataclass(frozen=True, eq=False)
class _Matches:
    """(M, 2) pixels in the desired image and in frame number ``frame`` since the matching."""

    desired: np.ndarray
    current: np.ndarray
    velocity: np.ndarray
    frame: int = 0


def _run(match: Match, frame: Frame, halves: list[np.ndarray]) -> list[_Matches]:
    """Match, then catch up with the frames that came in the meantime."""
    return [_catch_up(*matches, halves) for matches in match(frame)]


def _catch_up(desired: np.ndarray, current: np.ndarray, halves: list[np.ndarray]) -> _Matches:
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
