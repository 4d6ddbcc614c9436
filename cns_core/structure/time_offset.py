"""By how much poses and images differ in time, measured from what the images show."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.structure.projection import homogeneous

_OFFSETS_S = np.arange(-0.08, 0.1201, 0.01)
_APART = 5
"""Frames between two views that are compared: enough for a baseline, few enough for one screw."""
_KEEP = 0.97
_FEWEST = 12
_LEAST_M = 2e-3
_LARGEST = 1e-2
"""Normalized plane: a match further from its epipolar line than this says nothing more."""
_CONTRAST = 1.5
"""The misfit at the present offset over the smallest one from which the latter is believed."""


@dataclass(frozen=True)
class _View:
    seen: Correspondence
    T: np.ndarray  # (offsets, 4, 4)


class TimeOffset:
    """Finds by how much later than told the camera was where a pose says.

    A pose told too late turns the view by what the camera turned meanwhile. Every offset tried
    gives two poses and so an epipolar line for each keypoint, whatever its depth: the right one
    leaves the keypoints on their lines.

    """

    def __init__(self) -> None:
        self._at = int(np.argmin(np.abs(_OFFSETS_S)))
        self._misfit = np.zeros(len(_OFFSETS_S))
        self._views: deque[_View] = deque(maxlen=_APART + 1)
        self._last: tuple[float, np.ndarray] | None = None
        self._moved = np.zeros((len(_OFFSETS_S), 4, 4))
        self._T = np.eye(4)

    @property
    def offset_s(self) -> float:
        """A pose told for a time held this much earlier; 0 until there is reason to think so."""
        return float(_OFFSETS_S[self._at])

    def correct(self, time_s: float, T: np.ndarray, seen: Correspondence) -> np.ndarray:
        """Take the (4, 4) pose told for a frame; where the camera was, by what is known so far.

        Poses given are continuous: when another offset is believed it holds from then on, so that
        they are in a frame that drifts a little, as that of odometry does.
        """
        last, self._last = self._last, (time_s, T)
        if last is None or not 0.0 < time_s - last[0] < 0.5:
            self._views.clear()
            self._T = T
            self._moved = np.tile(T, (len(_OFFSETS_S), 1, 1))
            return T
        velocity = se3.log(se3.inverse(last[1]) @ T) / (time_s - last[0])
        moved = np.array([T @ se3.exp(offset * velocity) for offset in _OFFSETS_S])
        self._views.append(_View(seen, moved))
        if len(self._views) > _APART:
            self._compare(self._views[0], self._views[-1])
        self._T = self._T @ se3.inverse(self._moved[self._at]) @ moved[self._at]
        self._moved = moved
        return self._T

    def _compare(self, first: _View, second: _View) -> None:
        both = first.seen.matched & second.seen.matched
        if both.sum() < _FEWEST:
            return
        p, q = (homogeneous(view.seen.current[both]) for view in (first, second))
        T = np.linalg.inv(second.T) @ first.T
        R, t = T[:, :3, :3], T[:, :3, 3]
        length = np.linalg.norm(t, axis=1)
        if length.min() < _LEAST_M:
            return
        turned = np.einsum("kij,nj->kni", R, p)
        line = np.cross(t[:, None, :] / length[:, None, None], turned)
        norm = np.linalg.norm(line[..., :2], axis=2) + 1e-9
        gap = np.abs(np.einsum("kni,ni->kn", line, q)) / norm
        misfit = np.mean(np.minimum(gap, _LARGEST) ** 2, axis=1)
        # What the motion does not tell apart is left as it was.
        self._misfit = _KEEP * self._misfit + misfit
        best = int(np.argmin(self._misfit))
        if self._misfit[self._at] > _CONTRAST * self._misfit[best]:
            self._at = best
