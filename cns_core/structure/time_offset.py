"""By how much poses and images differ in time, measured from what the images show."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.structure.projection import homogeneous

_OFFSETS_S = np.arange(-0.08, 0.1201, 0.01)
_APART = 5
"""Frames between two views that are compared: enough for a baseline, few enough for one screw."""
_LONGEST_GAP_S = 0.5
_KEPT = 30
_KEEP = 0.97
_FEWEST = 12
_LEAST_M = 2e-3
_LARGEST = 1e-2
"""Normalized plane: a match further from its epipolar line than this says nothing more."""
_CONTRAST = 1.5
"""The misfit at the present offset over the smallest one from which the latter is believed."""
_TELLING = 4
"""Pairs of views, at least: a single one may lie where the arm jerks."""
_LEAST_CHANGE_S = 0.008


@dataclass(frozen=True)
class _Frame:
    time_s: float
    T: np.ndarray  # (4, 4)
    seen: Correspondence


class TimeOffset:
    """Finds by how much later than told the camera was where a pose says.

    A pose told too late turns the view by what the camera turned meanwhile. Every offset tried
    gives two poses and so an epipolar line for each keypoint, whatever its depth: the right one
    leaves the keypoints on their lines. Views are compared once the poses after them are known
    too, so that every offset is a pose between measured ones.

    Attributes:
        offset_s: the poses told for a time held so much earlier; 0 until the views say otherwise.
    """

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._misfit = np.zeros(len(_OFFSETS_S))
        self._compared = 0
        self._frames: deque[_Frame] = deque(maxlen=_KEPT)
        self._untold: deque[_Frame] = deque(maxlen=_KEPT)

    def correct(self, time_s: float, T: np.ndarray, seen: Correspondence) -> np.ndarray:
        """Take the (4, 4) pose told for a frame; where the camera was, by what is known so far."""
        frame = _Frame(time_s, T, seen)
        if self._frames and not 0.0 < time_s - self._frames[-1].time_s < _LONGEST_GAP_S:
            self._frames.clear()
            self._untold.clear()
        self._frames.append(frame)
        self._untold.append(frame)
        while len(self._untold) > _APART:
            first, second = self._untold[0], self._untold[_APART]
            if second.time_s + _OFFSETS_S[-1] > time_s:
                break
            self._compare(first, second)
            self._untold.popleft()
        if not self.offset_s or len(self._frames) < 2:
            return T
        return self._poses(np.array([time_s + self.offset_s]))[0]

    def _poses(self, times: np.ndarray) -> np.ndarray:
        """(K, 4, 4) poses told for (K,) times, between those of the frames or beyond the last."""
        known = np.array([frame.time_s for frame in self._frames])
        told = np.array([frame.T for frame in self._frames])
        at = np.clip(np.searchsorted(known, times) - 1, 0, len(known) - 2)
        share = (times - known[at]) / (known[at + 1] - known[at])
        R, p = told[:, :3, :3], told[:, :3, 3]
        turn = Rotation.from_matrix(R[at].transpose(0, 2, 1) @ R[at + 1]).as_rotvec()
        poses = told[at].copy()
        poses[:, :3, :3] = R[at] @ Rotation.from_rotvec(share[:, None] * turn).as_matrix()
        poses[:, :3, 3] += share[:, None] * (p[at + 1] - p[at])
        return poses

    def _compare(self, first: _Frame, second: _Frame) -> None:
        both = first.seen.matched & second.seen.matched
        if both.sum() < _FEWEST or se3.translation_error_m(first.T, second.T) < _LEAST_M:
            return
        p, q = (homogeneous(frame.seen.current[both]) for frame in (first, second))
        now, then = (self._poses(frame.time_s + _OFFSETS_S) for frame in (second, first))
        T = np.linalg.inv(now) @ then
        R, t = T[:, :3, :3], T[:, :3, 3]
        length = np.linalg.norm(t, axis=1)
        if length.min() < _LEAST_M:
            return
        turned = np.einsum("kij,nj->kni", R, p)
        line = np.cross(t[:, None, :] / length[:, None, None], turned)
        norm = np.linalg.norm(line[..., :2], axis=2) + 1e-9
        gap = np.abs(np.einsum("kni,ni->kn", line, q)) / norm
        misfit = np.mean(np.minimum(gap, _LARGEST) ** 2, axis=1)
        self._misfit = _KEEP * self._misfit + misfit
        self._compared += 1
        self._decide()

    def _decide(self) -> None:
        """Believe another offset; what the motion does not tell apart is left as it was."""
        best = int(np.argmin(self._misfit))
        present = float(np.interp(self.offset_s, _OFFSETS_S, self._misfit))
        if self._compared < _TELLING or present < _CONTRAST * self._misfit[best]:
            return
        offset_s = float(_OFFSETS_S[best])
        if 0 < best < len(_OFFSETS_S) - 1:
            # The vertex of the parabola through the lowest three.
            before, least, after = self._misfit[best - 1 : best + 2]
            step = _OFFSETS_S[1] - _OFFSETS_S[0]
            offset_s += 0.5 * step * (before - after) / (before - 2.0 * least + after)
        if abs(offset_s - self.offset_s) > _LEAST_CHANGE_S:
            self.offset_s = float(offset_s)
