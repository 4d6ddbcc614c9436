"""Bring keypoints from one frame to the next and align them to the desired image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cns_core.observers import local_affine
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.features import FoundKeypoints
from cns_core.observers.flow import follow
from cns_core.observers.frame import Frame
from cns_core.observers.placing import Placing
from cns_core.observers.scene_first import Matches
from cns_core.observers.track import KNOWN, Matched, Track
from cns_core.observers.verification import MIN_VERIFIABLE

_SURPRISE_PX = 6.0
"""Flow that ends this far from where the last motion pointed needs rough alignment first."""
_RETRY_FRAMES = 3
"""Each lost keypoint is looked for in one of this many frames, which bounds the cost of a frame."""
_CARRY_FRAMES = 2
"""Each keypoint's local motion is fitted to its neighbours' in one of this many frames."""
_STAND_IN_FRAMES, _BESIDE_PX = 12, 8.0
"""Frames for which matches are followed without a new matching, and how far beside one in the
desired image a keypoint moves with it."""
_BESIDE_DEVIATION_PX = 1.5
"""Of what moves with a match beside it."""
_BACK_PX = 1.0
_REMEMBERED_FRAMES = 250
"""Frames for which it is tried to follow keypoints from where they were seen last."""


class Tracker:
    """Gives new :class:`Track` records from old ones and keeps nothing in between.

    Args:
        patches: :class:`DesiredPatches` of the desired image.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
    """

    def __init__(
        self, patches: DesiredPatches, agree: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> None:
        self._patches = patches
        self._agree = agree
        self._placing = Placing(patches, agree)

    def follow(self, track: Track, frame: Frame) -> Track:
        """Follow the keypoints to the next frame by optical flow, and align them there.

        Where they were lost, such as behind something before the lens, they are looked for from the
        frame in which they were seen last as well: that needs no matching once they are back.
        """
        if track.count >= KNOWN:
            track = replace(track, good=None, good_age=0)
        good = track.good if track.count < KNOWN else track
        near = replace(self._follow(track, frame), matched=self._carry_matched(track, frame))
        if near.count >= KNOWN or good is None or track.good_age > _REMEMBERED_FRAMES:
            return replace(near, good=None, matched=near.matched if near.count < KNOWN else None)
        if track.count < KNOWN:
            still = replace(good, velocity=np.zeros_like(good.velocity))
            again = replace(self._follow(still, frame), frame=near.frame, matched=near.matched)
            if again.count > near.count:
                near = again
        return replace(near, good=good, good_age=track.good_age + 1)

    def _carry_matched(self, track: Track, frame: Frame) -> Matched | None:
        """Follow the matches that stand in for keypoints; they must still agree on one motion."""
        matched = track.matched
        if matched is None or track.half is None:
            return None
        if matched.age >= _STAND_IN_FRAMES:
            return None
        current, found = follow(track.half, frame.half, matched.current, matched.current)
        # There and back: flow into a blank image or an occluder ends anywhere.
        back, returned = follow(frame.half, track.half, current, matched.current)
        found &= returned & (np.linalg.norm(back - matched.current, axis=1) < _BACK_PX)
        return self._stand_in(matched.desired[found], current[found], matched.age + 1)

    def _stand_in(self, desired: np.ndarray, current: np.ndarray, age: int) -> Matched | None:
        agreed = self._agree(desired, current)
        if agreed.sum() < MIN_VERIFIABLE:
            return None
        return Matched(desired[agreed], current[agreed], age)

    def reported(self, track: Track) -> FoundKeypoints:
        """All keypoints that hold.

        Those that are aligned, and where these are few those beside a verified match as well: far
        from the goal patches may look too different to be aligned, and descriptors do not.
        """
        holds, pixels, deviation = track.precise, track.sighted.pixels, track.sighted.deviation_px
        if track.matched is not None and holds.sum() < KNOWN:
            matched = track.matched
            placed, near = self._patches.place(matched.desired, matched.current, _BESIDE_PX)
            near &= ~holds
            pixels, holds = np.where(near[:, None], placed, pixels), holds | near
            deviation = np.where(near, _BESIDE_DEVIATION_PX, deviation)
        pixels = np.where(holds[:, None], pixels, self._patches.anchors)
        return FoundKeypoints(pixels, holds, deviation)

    def _follow(self, track: Track, frame: Frame) -> Track:
        followed = track.followed
        if track.half is None or not followed.any():
            return track.lost_in(frame.half)
        last = track.sighted.pixels[followed]
        straight_on = last + track.velocity[followed]
        moved, found = follow(track.half, frame.half, last, straight_on)
        # The maps of the last frame come from aligned keypoints, finer than flow could give them.
        change = local_affine.fit_consensus(last[found], moved[found])
        if change is None:
            return track.lost_in(frame.half)
        track = replace(track.carried(change), half=frame.half)
        seeded, rough = np.zeros_like(followed), np.zeros_like(followed)
        seeded[followed] = found
        rough[followed] = np.linalg.norm(moved - straight_on, axis=1) > _SURPRISE_PX
        guess = track.expected.copy()
        guess[seeded] = moved[found]
        turn = (np.arange(len(seeded)) + track.frame) % _RETRY_FRAMES == 0
        near = seeded & ~rough
        blur = self._patches.blur(frame, guess, track.affine, near, track.blur, track.frame)
        track = replace(track, blur=blur)
        sighted = self._placing.align(track, frame, guess, track.affine, seeded | turn, rough)
        return replace(track, sighted=sighted)

    def merge(self, track: Track, frame: Frame, found: Sequence[Matches]) -> Track:
        """Add the keypoints that matches of the track's own frame bring back.

        Args:
            found: sets of them, each by means of its own, the heaviest (:func:`.weight`) first.
        """
        found = [matches for matches in found if len(matches[0]) >= MIN_VERIFIABLE]
        if not found:
            return track
        track = self._placing.place(track, frame, found)
        if track.count >= KNOWN:
            return replace(track, matched=None)
        return replace(track, matched=self._stand_in(*found[0], 0))

    def settle(self, track: Track, previous: Track, anew: bool) -> Track:
        """Bring up to date what predicts keypoints in the next frame.

        Args:
            previous: of the frame before.
            anew: whether a matching was merged into this one.
        """
        track = track.moved_from(previous)
        if track.count < MIN_VERIFIABLE:
            return track
        # All keypoints when some were matched anew, else in turn: the motion of the whole image
        # has brought the maps of the others up to date.
        which = slice(None) if anew else slice(track.frame % _CARRY_FRAMES, None, _CARRY_FRAMES)
        followed = track.followed
        maps = self._patches.carry(
            self._patches.anchors[followed], track.sighted.pixels[followed], which
        )
        return track.mapped(which, *maps)
