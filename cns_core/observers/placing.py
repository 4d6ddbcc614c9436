"""Find the keypoints in a frame from a few matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cns_core.observers.blur import Blur
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.frame import Frame
from cns_core.observers.scene_first import Matches, weight
from cns_core.observers.sighted import Sighted
from cns_core.observers.track import KNOWN, Track, is_followed
from cns_core.observers.verification import MIN_VERIFIABLE

_ROUNDS, _LEAST_GAIN = 4, 0.1
"""Rounds in which matches are spread to the keypoints at most, and the share of what they placed
that a round has to add for another one."""
_DOUBT_FRAMES = 4
"""Each keypoint's local motion is doubted in one of this many frames, or always once it was wrong.
"""
_ASTRAY_PX = 20.0
"""Keypoints this far from where a matching puts them follow something else."""


class Placing:
    """Aligns keypoints to the desired image where matches, or their neighbours, say they are.

    Args:
        patches: :class:`DesiredPatches` of the desired image.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
    """

    def __init__(
        self, patches: DesiredPatches, agree: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> None:
        self._patches, self._agree = patches, agree

    def place(self, track: Track, frame: Frame, found: Sequence[Matches]) -> Track:
        """Add the keypoints that sets of matches lead to.

        The set is spread further that places most, a scene before what may be a tool alone; the
        others then add what it has left out. They are not mixed: neighbours that are right to a
        pixel do not go with neighbours right to a quarter of one.

        Args:
            found: at least one set of matches of ``frame``, the heaviest first.
        """
        maps = [self._patches.carry(*matches) for matches in found]
        track = self._unless_astray(track, len(found[0][0]), maps[0][1])
        placed = [self._aligned(self._judged(track, frame, *m), frame, *m) for m in maps]
        best = max(range(len(found)), key=lambda n: weight(self._followed(placed[n])))
        if placed[best].count == track.count:
            return track
        track = self._spread(placed[best], track.count, frame, found[best])
        for n, matches in enumerate(found):
            if n != best:
                track = self._add(track, frame, self._going_along(track, matches))
        return track

    def align(
        self,
        track: Track,
        frame: Frame,
        guess: np.ndarray,
        affine: np.ndarray,
        attempt: np.ndarray,
        rough: np.ndarray,
    ) -> Sighted:
        """Where the anchors are; they fit infinitely badly where motions disagree.

        Args:
            guess, affine, attempt, rough: as of :meth:`.DesiredPatches.align`.
        """
        turn = (np.arange(len(guess)) + track.frame) % _DOUBT_FRAMES == 0
        doubted = track.sighted.bent | turn
        found = self._patches.align(frame, guess, affine, attempt, rough, track.blur, doubted)
        k = np.flatnonzero(is_followed(found.misfit))
        found.misfit[k[~self._agree(self._patches.anchors[k], found.pixels[k])]] = np.inf
        return found

    def _followed(self, track: Track) -> Matches:
        followed = track.followed
        return self._patches.anchors[followed], track.sighted.pixels[followed]

    def _unless_astray(self, track: Track, count: int, expected: np.ndarray) -> Track:
        """Without keypoints, if more matches, ``count``, put most of them elsewhere."""
        gap = np.linalg.norm(track.sighted.pixels - expected, axis=1)[track.followed]
        astray = int((gap > _ASTRAY_PX).sum())
        if not 0.5 * len(gap) < astray < count:
            return track
        return replace(track, sighted=Sighted.nowhere(track.sighted.pixels))

    def _judged(
        self, track: Track, frame: Frame, affine: np.ndarray, expected: np.ndarray
    ) -> Track:
        """With how blurred the frame is, told by matches where too little is followed to know."""
        if track.count >= KNOWN:
            return track
        everywhere = np.ones_like(track.followed)
        blur = self._patches.blur(frame, expected, affine, everywhere, Blur(), track.frame)
        return replace(track, blur=blur)

    def _spread(self, track: Track, before: int, frame: Frame, matches: Matches) -> Track:
        """What was found leads to what lies beyond, where no match was near.

        Args:
            before: number of keypoints followed before any was placed by ``matches``.
        """
        for _ in range(_ROUNDS - 1):
            further = self._add(track, frame, _joined(matches, self._followed(track)))
            gain = further.count - track.count
            track = further
            if gain <= _LEAST_GAIN * (track.count - before):
                break
        return track

    def _going_along(self, track: Track, matches: Matches) -> Matches:
        """Those of a set that agree with the keypoints followed: none if most of these do not."""
        true = self._agree(*_joined(self._followed(track), matches))
        ours, theirs = np.split(true, [track.count])
        if ours.mean() < 0.5:
            theirs = np.zeros_like(theirs)
        return matches[0][theirs], matches[1][theirs]

    def _add(self, track: Track, frame: Frame, matches: Matches) -> Track:
        """Align the keypoints that are lost where matches say they are."""
        if len(matches[0]) < MIN_VERIFIABLE:
            return track
        return self._aligned(track, frame, *self._patches.carry(*matches))

    def _aligned(
        self, track: Track, frame: Frame, affine: np.ndarray, expected: np.ndarray
    ) -> Track:
        lost = ~track.followed
        again = self.align(track, frame, expected, affine, lost, lost)
        return replace(track, sighted=again.or_else(lost, track.sighted))


def _joined(some: Matches, others: Matches) -> Matches:
    return np.vstack([some[0], others[0]]), np.vstack([some[1], others[1]])
