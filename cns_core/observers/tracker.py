"""Bring keypoints from one frame to the next and align them to the desired image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cns_core.observers import local_affine
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.flow import follow
from cns_core.observers.frame import Frame
from cns_core.observers.track import Track, is_followed
from cns_core.observers.verification import MIN_VERIFIABLE

_SURPRISE_PX = 6.0
"""Flow that ends this far from where the last motion pointed needs rough alignment first."""
_RETRY_FRAMES = 3
"""Each lost keypoint is looked for in one of this many frames, which bounds the cost of a frame."""
_CARRY_FRAMES = 2
"""Each keypoint's local motion is fitted to its neighbours' in one of this many frames."""
_MERGE_PASSES = 2
"""Rounds in which matches are spread to all keypoints, where the first one reaches few."""
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
        """Follow the keypoints to the next frame by optical flow, and align them there."""
        followed = track.followed
        if track.half is None or not followed.any():
            return track.lost_in(frame.half)
        last = track.pixels[followed]
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
        return track.found(*self._align(frame, guess, track.affine, seeded | turn, rough))

    def merge(self, track: Track, frame: Frame, desired: np.ndarray, current: np.ndarray) -> Track:
        """Add the keypoints that (M, 2) matches of the track's own frame bring back."""
        if len(desired) < MIN_VERIFIABLE:
            return track
        affine, expected = self._patches.carry(desired, current)
        followed = track.followed
        astray = np.linalg.norm(track.pixels - expected, axis=1)[followed] > _ASTRAY_PX
        if 0.5 * len(astray) < astray.sum() < len(desired):
            followed = np.zeros_like(followed)
        for _ in range(_MERGE_PASSES):
            lost = ~followed
            pixels, misfit = self._align(frame, expected, affine, lost, lost)
            track = track.found(
                np.where(lost[:, None], pixels, track.pixels), np.where(lost, misfit, track.misfit)
            )
            followed = track.followed
            if followed.sum() > 0.5 * self._patches.in_view(expected).sum():
                break
            # What was found leads to what lies beyond, where no match was near.
            desired = np.vstack([desired, self._patches.anchors[followed]])
            current = np.vstack([current, track.pixels[followed]])
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
        maps = self._patches.carry(self._patches.anchors[followed], track.pixels[followed], which)
        return track.mapped(which, *maps)

    def _align(
        self,
        frame: Frame,
        guess: np.ndarray,
        affine: np.ndarray,
        attempt: np.ndarray,
        rough: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the anchors are and how badly they fit, infinitely where motions disagree."""
        pixels, misfit = self._patches.align(frame, guess, affine, attempt, rough)
        k = np.flatnonzero(is_followed(misfit))
        misfit[k[~self._agree(self._patches.anchors[k], pixels[k])]] = np.inf
        return pixels, misfit
