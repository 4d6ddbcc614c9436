"""What of the matches belongs to the scene, and whether that has been seen to move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.left_behind import CommonMotion
from cns_core.geometry.shared_motion import GOES, STAYS, shares_of_motion

_STILL, _MOVED = 0.003, 0.02
"""Normalized plane, 2 and 11 pixels of a usual camera: a keypoint stayed, or certainly moved."""
_TELLING = 8
"""Keypoints that must have moved before the others are judged, and before a goal is believed."""
_ATTACHED, _MOST = -2, 3
_PROVEN = 20
"""Keypoints that must have moved before others are judged by them, and left out for them."""
_FRAMES = 5
"""In which the displacement from the goal must speak for the scene, or for what stays."""
_FAR, _EXACT = 0.01, 0.001
"""Normalized plane, 6 pixels and half of one: far from the goal, and at it."""
_SIGHTINGS = 3
"""Sightings in a row away from where a keypoint was first, that say that it has moved."""
_TOOL, _TOOL_SHARE = 4, 0.05
"""Attached keypoints, and their number over that of the matches, that make a tool certain."""
_GRID = 6, 4
_SHARE, _CELLS = 0.3, 0.75


class SceneCheck:
    """Tells keypoints of the scene from what moves with the camera: a tool, a cable, dust.

    Those stay where they are in the image. Whenever the image has moved by some pixels each
    keypoint is judged by whether it went along; what was left behind twice more often than not is
    attached. A keypoint that moved is of the scene. As long as nothing has moved nothing is known,
    and only a view that agrees with the desired one all over can be told from a tool at its place.

    Near the goal a tool's keypoints pass for matches of the scene, and too little is left of the
    way to see them left behind. So what is found late is judged by whether it is as far from its
    goal as the scene around it (:func:`~cns_core.geometry.shared_motion.shares_of_motion`), down to
    parts of a pixel, and stays where it was first; and once a tool is known of, what has shown
    neither is left out as long as enough has. A tool unnoticed says that the camera is there
    already.

    Attributes:
        attached: (N,) bool, keypoints that move with the camera.
        moved: (N,) bool, keypoints that have moved in the image.

    Args:
        desired: (N, 2) desired keypoints, normalized plane.
    """

    def __init__(self, desired: NDArray[np.float64]) -> None:
        count = len(desired)
        self.attached = np.zeros(count, dtype=bool)
        self._near_goal = np.zeros(count, dtype=int)
        self.moved = np.zeros(count, dtype=bool)
        self._score = np.zeros(count, dtype=int)
        self._first = np.full((count, 2), np.nan)
        self._confirmed = np.zeros(count, dtype=bool)
        self._runs = np.zeros((2, count), dtype=int)
        self._last: Correspondence | None = None
        self._cell = _cells(np.asarray(desired, dtype=float))

    def scene(self, seen: Correspondence) -> Correspondence:
        """Take one frame; it without the keypoints that are attached."""
        self._see_moved(seen)
        self._judge(seen)
        self._judge_near_goal(seen)
        self.attached = (self._score <= _ATTACHED) | (self._near_goal <= -_FRAMES)
        matched = seen.matched & ~self.attached
        if self.attached.sum() >= max(_TOOL, _TOOL_SHARE * seen.count):
            known = matched & (self.moved | (self._near_goal >= _FRAMES))
            matched = known if known.sum() >= _PROVEN else matched
        return replace(seen, matched=matched)

    def _see_moved(self, seen: Correspondence) -> None:
        """Believe that a keypoint moved what several sightings in a row say.

        A mismatch that comes and goes is far from everything, too, and no place to begin from is
        what the next sighting contradicts.
        """
        away = np.linalg.norm(seen.current - self._first, axis=1)
        self._confirmed |= seen.matched & (away <= _MOVED)
        fresh = seen.matched & ~self._confirmed
        self._first[fresh] = seen.current[fresh]
        for run, least in zip(self._runs, (_STILL, _MOVED), strict=True):
            run[seen.matched] = np.where(away > least, run + 1, 0)[seen.matched]
        self.moved |= self._runs[1] >= _SIGHTINGS

    def _judge_near_goal(self, seen: Correspondence) -> None:
        """Compare how far keypoints that have not moved are from their goal with those that have.

        Each frame speaks for one or the other, and what it contradicts begins anew. What is nearer
        to its goal than others but on its way there is a background. A few that are well off tell
        what lies exactly where the goal wants it: so near hardly anything passes by chance.
        """
        late = np.flatnonzero(seen.matched & ~self.moved)
        proven = seen.matched & self.moved
        if not len(late) or proven.sum() < _TELLING:
            return
        along = length = np.full(len(late), np.nan)
        if proven.sum() >= _PROVEN:
            scene = seen.desired[proven], seen.current[proven]
            along, length = shares_of_motion(*scene, seen.desired[late], seen.current[late])
        off = np.linalg.norm(seen.current - seen.desired, axis=1)
        far = np.median(off[proven]) > _FAR
        said = np.where(along > GOES, 1, np.where(length < STAYS, -1, 0))
        said = np.where(far & (off[late] < _EXACT), -1, said)
        before = self._near_goal[late]
        count = np.where(said * before < 0, said, before + said)
        least = np.where(self._runs[0, late] >= _SIGHTINGS, 0, -_FRAMES)
        self._near_goal[late] = np.clip(count, least, np.where(along < STAYS, 0, _FRAMES))

    def _judge(self, seen: Correspondence) -> None:
        """Compare with the last view that was looked at, once the image has moved away from it."""
        if self._last is None:
            self._last = seen
            return
        both = np.flatnonzero(seen.matched & self._last.matched)
        before, after = self._last.current[both], seen.current[both]
        motion = np.linalg.norm(after - before, axis=1)
        if len(both) < _TELLING:
            self._last = seen
            return
        if np.partition(motion, -_TELLING)[-_TELLING] < _MOVED:
            return
        common = CommonMotion.of(before, after, _STILL)
        if common is None or not common.agreed:
            return
        stuck = common.left_behind(0.5 * _MOVED)
        change = np.where(stuck, -1, np.where(motion > _STILL, 1, 0))
        self._score[both] = np.clip(self._score[both] + change, 2 * _ATTACHED, _MOST)
        current = seen.current.copy()
        current[both[stuck]] = before[stuck]  # little by little even a far background moves
        self._last = replace(seen, current=current)

    def attach(self, keypoints: NDArray[np.bool_]) -> None:
        """Take (N,) bool ``keypoints`` for attached: the camera moved, and they not as a scene."""
        self._score[keypoints] = 2 * _ATTACHED
        self._runs[:, keypoints] = 0
        self.moved[keypoints] = False

    def proven(self, scene: Correspondence) -> bool:
        """Whether matches that :meth:`scene` gave may say that the goal is reached.

        Enough of them have moved in the image, and most of them, as the others may be a tool's that
        decide alone; or they are wherever the desired image has keypoints.
        """
        moved = int((scene.matched & self.moved).sum())
        if moved >= 0.5 * scene.count and moved >= min(_TELLING, max(scene.count // 2, 4)):
            return True
        total = np.bincount(self._cell)
        found = np.bincount(self._cell, weights=scene.matched, minlength=len(total))
        agree = found >= _SHARE * total
        return bool(agree[total > 0].mean() >= _CELLS)


def _cells(desired: NDArray[np.float64]) -> NDArray[np.intp]:
    """(N,) number of the cell of the desired image in which each keypoint lies."""
    if not len(desired):
        return np.zeros(0, dtype=np.intp)
    low, high = desired.min(axis=0), desired.max(axis=0)
    place = (desired - low) / np.maximum(high - low, 1e-9)
    column, row = np.minimum(place * _GRID, np.array(_GRID) - 1).astype(np.intp).T
    return np.asarray(column + _GRID[0] * row)
