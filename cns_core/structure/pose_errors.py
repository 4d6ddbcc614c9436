"""By what the poses told differ from where the camera was, measured from what the images show."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous
from cns_core.geometry.rotation import rotation_matrices
from cns_core.structure.pose_track import PoseTrack

_APART = 5
"""Frames between two views that are compared: enough for a baseline."""
_EVERY = 2
"""Frames from one pair to the next."""
_PAIRS = 12
_TELLING = 4
"""Pairs, at least: a single one may lie where the arm jerks."""
_MATCHES = 30
_LEAST_M = 2e-3
_LARGEST_ERROR = np.repeat([0.08, np.radians(15.0), 0.03], [1, 3, 3])
"""s, rad, m: beyond it the arm is not this one. A pose later than told is thought ahead."""
_SPREAD = np.repeat([0.05, np.radians(4.0), 0.006], [1, 3, 3])
"""What errors are expected to be like: s, rad, m."""
_STEPS = np.repeat([5e-3, 5e-3, 1e-3], [1, 3, 3])
"""By what derivatives are taken; a time within a frame, so that they see more than one interval."""
_NOISE = 2e-3
"""Normalized plane; errors of neighbouring matches are alike, so that they count for fewer."""
_CONTRAST = 1.3
"""The misfit as of now over that of other errors from which those are believed."""
_LEAST_CHANGE = np.repeat([8e-3, np.radians(0.3), 2e-3], [1, 3, 3])


@dataclass(frozen=True)
class _Pair:
    times: np.ndarray  # (2,)
    matches: np.ndarray  # (2, _MATCHES, 3) homogeneous


@dataclass
class _Fit:
    """Errors of which some are free.

    Attributes:
        steps: towards the best, a frame; one of few errors costs little.
        settled: whether the last one was small.
    """

    free: slice
    steps: int
    errors: np.ndarray = field(default_factory=lambda: np.zeros(7))
    settled: bool = False


class PoseErrors:
    """Finds a time offset of poses told, and an error of the mounting that they assume.

    Poses of another time, or of a camera mounted otherwise, lay the keypoints' epipolar lines
    beside the keypoints, whatever their depths are. Both errors are fitted to some pairs of views
    by Gauss and Newton's method, a few steps a frame, and believed once they explain the views
    better than what was believed before.

    Attributes:
        mounting: (4, 4) pose of the camera in the frame of the camera that is told.
    """

    def __init__(self) -> None:
        self.mounting = np.eye(4)
        self._track = PoseTrack()
        self._pairs: deque[_Pair] = deque(maxlen=_PAIRS)
        self._waiting: deque[tuple[float, Correspondence]] = deque()
        self._believed = np.zeros(7)
        self._fits = [_Fit(slice(0, 1), steps=3), _Fit(slice(0, 7), steps=1)]

    @property
    def offset_s(self) -> float:
        """The poses told for a time held so much earlier."""
        return float(self._believed[0])

    def correct(self, time_s: float, T: np.ndarray, seen: Correspondence) -> np.ndarray:
        """Take the (4, 4) pose told for a frame; where the camera was, by what is known so far."""
        if not self._track.add(time_s, T):
            self._pairs.clear()
            self._waiting.clear()
        self._waiting.append((time_s, seen))
        if self._take_pair(time_s):
            self._fit()
        return self.pose(time_s) if self._believed.any() else T

    def pose(self, time_s: float) -> np.ndarray:
        """(4, 4) where the camera was at the time of one of the last frames."""
        return self._track.at(np.array([time_s + self.offset_s]))[0] @ self.mounting

    def _take_pair(self, now_s: float) -> bool:
        """Note the next pair of views around which all poses are known; whether there is one."""
        if len(self._waiting) <= _APART or self._waiting[_APART][0] + _LARGEST_ERROR[0] > now_s:
            return False
        (first_s, first), (second_s, second) = self._waiting[0], self._waiting[_APART]
        for _ in range(_EVERY):
            self._waiting.popleft()
        both = np.flatnonzero(first.matched & second.matched)
        if len(both) < _MATCHES // 3:
            return False
        times = np.array([first_s, second_s])
        told = self._track.at(times)
        if se3.translation_error_m(told[0], told[1]) < _LEAST_M:
            return False
        picked = both[np.linspace(0, len(both) - 1, _MATCHES).astype(int)]
        matches = np.stack([homogeneous(view.current[picked]) for view in (first, second)])
        self._pairs.append(_Pair(times, matches))
        return True

    def _fit(self) -> None:
        while self._pairs and self._pairs[0].times[0] - _LARGEST_ERROR[0] < self._track.start_s:
            self._pairs.popleft()
        if len(self._pairs) < _TELLING:
            return
        for fit in self._fits:
            for _ in range(fit.steps):
                self._step(fit)
        self._decide()

    def _step(self, fit: _Fit) -> None:
        """One step towards what explains the views best."""
        trials = np.vstack([fit.errors, fit.errors + np.diag(_STEPS)[fit.free]])
        gaps = self._gaps(trials)
        gap, slope = gaps[0], (gaps[1:] - gaps[0]).T / _STEPS[fit.free]
        # Huber's weights, by the median: keypoints that moved by themselves do not count much.
        scale = 2.0 * np.median(np.abs(gap)) + 1e-6
        weight = np.minimum(1.0, scale / np.maximum(np.abs(gap), scale)) / _NOISE**2
        expected = _SPREAD[fit.free]
        normal = (slope * weight[:, None]).T @ slope + np.diag(expected**-2.0)
        gradient = slope.T @ (weight * gap) + fit.errors[fit.free] / expected**2
        before = fit.errors.copy()
        fit.errors[fit.free] -= np.linalg.solve(normal, gradient)
        fit.errors = np.clip(fit.errors, -_LARGEST_ERROR, _LARGEST_ERROR)
        fit.settled = bool((np.abs(fit.errors - before) < _LEAST_CHANGE).all())

    def _decide(self) -> None:
        """Believe the simplest errors that explain the views, if they do so far better."""
        gaps = self._gaps(np.array([self._believed, *(fit.errors for fit in self._fits)]))
        # Of most matches: a few that are wrong or move by themselves fit anything better.
        misfit = np.median(np.abs(gaps), axis=1)
        good = int(np.argmax(misfit < _CONTRAST * misfit.min()))
        if good == 0:
            return
        fit = self._fits[good - 1]
        if fit.settled and (np.abs(fit.errors - self._believed) > _LEAST_CHANGE).any():
            self._believe(fit.errors.copy())

    def _believe(self, errors: np.ndarray) -> None:
        self._believed = errors
        self.mounting = _mountings(errors[None])[0]

    def _gaps(self, errors: np.ndarray) -> np.ndarray:
        """(K, M) signed distances of all pairs' matches from their epipolar lines, by (K, 7)."""
        times = np.array([pair.times for pair in self._pairs])
        matches = np.array([pair.matches for pair in self._pairs])
        at = times[None] + errors[:, :1, None]
        poses = (
            self._track.at(at.ravel()).reshape(*at.shape, 4, 4) @ _mountings(errors)[:, None, None]
        )
        line = matches[:, 0] @ np.swapaxes(_essential(poses[:, :, 0], poses[:, :, 1]), -1, -2)
        norm = np.sqrt(np.square(line[..., :2]).sum(axis=-1)) + 1e-9
        gaps = (line * matches[:, 1]).sum(axis=-1) / norm
        return gaps.reshape(len(errors), -1)


def _essential(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(K, L, 3, 3) essential matrices of the views from (K, L, 4, 4) poses."""
    back = np.swapaxes(second[..., :3, :3], -1, -2)
    t = (back @ (first[..., :3, 3:] - second[..., :3, 3:]))[..., 0]
    t = t / (np.sqrt(np.square(t).sum(axis=-1, keepdims=True)) + 1e-9)
    cross = np.zeros(back.shape)
    cross[..., (2, 0, 1), (1, 2, 0)] = t
    cross[..., (1, 2, 0), (2, 0, 1)] = -t
    return cross @ back @ first[..., :3, :3]


def _mountings(errors: np.ndarray) -> np.ndarray:
    """(K, 4, 4) mountings of (K, 7) errors: time, rotation vector, translation."""
    T = np.tile(np.eye(4), (len(errors), 1, 1))
    T[:, :3, :3] = rotation_matrices(errors[:, 1:4])
    T[:, :3, 3] = errors[:, 4:]
    return T
