"""Bring keypoints from one frame to the next and align them to the desired image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cns_core.observers import local_affine
from cns_core.observers.blur import Blur
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.features import FoundKeypoints
from cns_core.observers.flow import follow
from cns_core.observers.frame import Frame
from cns_core.observers.scene_first import Matches
from cns_core.observers.sighted import Sighted
from cns_core.observers.track import Matched, Track, is_followed
from cns_core.observers.verification import MIN_VERIFIABLE

_SURPRISE_PX = 6.0
"""Flow that ends this far from where the last motion pointed needs rough alignment first."""
_RETRY_FRAMES = 3
"""Each lost keypoint is looked for in one of this many frames, which bounds the cost of a frame."""
_CARRY_FRAMES = 2
"""Each keypoint's local motion is fitted to its neighbours' in one of this many frames."""
_DOUBT_FRAMES = 4
"""Each keypoint's local motion is doubted in one of this many frames, or always once it was wrong.
"""
_MERGE_PASSES, _LEAST_GAIN = 4, 0.1
"""Rounds in which matches are spread to the keypoints at most, and the share of those placed that a
round has to add for another one."""
_KNOWN = 25
"""Keypoints followed with which it is known how blurred the image is."""
_STAND_IN_FRAMES, _BESIDE_PX = 12, 8.0
"""Frames for which matches are followed without a new matching, and how far beside one in the
desired image a keypoint moves with it."""
_BESIDE_DEVIATION_PX = 1.5
"""Of what moves with a match beside it."""
_BACK_PX = 1.0
_REMEMBERED_FRAMES = 250
"""Frames for which it is tried to follow keypoints from where they were seen last."""
_ASTRAY_PX = 20.0
"""Keypoints this far from where a matching puts them follow something else."""


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

    def follow(self, track: Track, frame: Frame) -> Track:
        """Follow the keypoints to the next frame by optical flow, and align them there.

        Where they were lost, such as behind something before the lens, they are looked for from the
        frame in which they were seen last as well: that needs no matching once they are back.
        """
        if track.count >= _KNOWN:
            track = replace(track, good=None, good_age=0)
        good = track.good if track.count < _KNOWN else track
        near = replace(self._follow(track, frame), matched=self._carry_matched(track, frame))
        if near.count >= _KNOWN or good is None or track.good_age > _REMEMBERED_FRAMES:
            return replace(near, good=None, matched=near.matched if near.count < _KNOWN else None)
        if track.count < _KNOWN:
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
        if track.matched is not None and holds.sum() < _KNOWN:
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
        sighted = self._align(track, frame, guess, track.affine, seeded | turn, rough)
        return replace(track, sighted=sighted)

    def merge(self, track: Track, frame: Frame, found: Sequence[Matches]) -> Track:
        """Add the keypoints that matches of the track's own frame bring back.

        Args:
            found: sets of them. What the one that places most leaves out is added by the others,
                where they agree with it.
        """
        found = [matches for matches in found if len(matches[0]) >= MIN_VERIFIABLE]
        if not found:
            return track
        placed = [
            self._place(self._unless_astray(track, *matches), frame, *matches) for matches in found
        ]
        best = max(range(len(found)), key=lambda n: placed[n].count)
        track = placed[best]
        for matches in found[:best] + found[best + 1 :]:
            desired, current = self._going_along(track, *matches)
            if len(desired) >= MIN_VERIFIABLE:
                track = self._place(track, frame, desired, current)
        if track.count >= _KNOWN:
            return replace(track, matched=None)
        desired, current = (np.vstack(pixels) for pixels in zip(*found, strict=True))
        return replace(track, matched=self._stand_in(desired, current, 0))

    def _unless_astray(self, track: Track, desired: np.ndarray, current: np.ndarray) -> Track:
        """Without keypoints, if more (M, 2) matches put most of them elsewhere."""
        _, expected = self._patches.carry(desired, current)
        gap = np.linalg.norm(track.sighted.pixels - expected, axis=1)[track.followed]
        astray = int((gap > _ASTRAY_PX).sum())
        if not 0.5 * len(gap) < astray < len(desired):
            return track
        return replace(track, sighted=Sighted.nowhere(track.sighted.pixels))

    def _going_along(self, track: Track, desired: np.ndarray, current: np.ndarray) -> Matches:
        """Those of (M, 2) matches that agree with the keypoints followed."""
        followed = track.followed
        both = (
            np.vstack([self._patches.anchors[followed], desired]),
            np.vstack([track.sighted.pixels[followed], current]),
        )
        true = self._agree(*both)[followed.sum() :]
        return desired[true], current[true]

    def _place(self, track: Track, frame: Frame, desired: np.ndarray, current: np.ndarray) -> Track:
        """Align the lost keypoints where (M, 2) matches say they are."""
        affine, expected = self._patches.carry(desired, current)
        followed = track.followed
        if track.count < _KNOWN:
            everywhere = np.ones_like(followed)
            blur = self._patches.blur(frame, expected, affine, everywhere, Blur(), track.frame)
            track = replace(track, blur=blur)
        for _ in range(_MERGE_PASSES):
            lost, before = ~followed, followed.sum()
            again = self._align(track, frame, expected, affine, lost, lost)
            track = replace(track, sighted=again.or_else(lost, track.sighted))
            followed = track.followed
            if followed.sum() - before < _LEAST_GAIN * followed.sum():
                break
            # What was found leads to what lies beyond, where no match was near.
            desired = np.vstack([desired, self._patches.anchors[followed]])
            current = np.vstack([current, track.sighted.pixels[followed]])
            affine, expected = self._patches.carry(desired, current)
        return track

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

    def _align(
        self,
        track: Track,
        frame: Frame,
        guess: np.ndarray,
        affine: np.ndarray,
        attempt: np.ndarray,
        rough: np.ndarray,
    ) -> Sighted:
        """Where the anchors are; they fit infinitely badly where motions disagree."""
        turn = (np.arange(len(guess)) + track.frame) % _DOUBT_FRAMES == 0
        doubted = track.sighted.bent | turn
        found = self._patches.align(frame, guess, affine, attempt, rough, track.blur, doubted)
        k = np.flatnonzero(is_followed(found.misfit))
        found.misfit[k[~self._agree(self._patches.anchors[k], found.pixels[k])]] = np.inf
        return found
