"""What is known of all keypoints after one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cns_core.observers.blur import Blur
from cns_core.observers.sighted import Sighted

_MISFIT_FOLLOWED, _MISFIT_REPORTED = 2.5, 1.4
"""Patches that fit this much worse than usual straddle the edge of an object or of an occluder.
The better ones of them still lead to where they may be precise again."""


@dataclass(frozen=True, eq=False)
class Matched:
    """What a matching brought and what became of it, where hardly anything could be aligned.

    Attributes:
        desired, current: (M, 2) pixels in the desired image and in the frame.
        age: number of frames since.
    """

    desired: np.ndarray
    current: np.ndarray
    age: int = 0


@dataclass(frozen=True, eq=False)
class Track:
    """A frame's state of all N keypoints, pixels of the full-size image.

    Attributes:
        half: the frame's half-size image, None before the first one.
        pixels: (N, 2) where they are; means nothing where they are not :attr:`followed`.
        misfit: (N,) how much worse than usual their patches fit there, infinite where lost.
        deviation_px: (N,) standard deviation of ``pixels`` along one axis.
        bent: (N,) bool, whose neighbours gave them a wrong map.
        velocity: (N, 2) pixels a frame, zero unless followed twice in a row.
        affine: (N, 2, 2) local maps from the desired image to this one.
        expected: (N, 2) where the motion of their neighbours puts them.
        frame: how many frames keypoints were followed through; tells whose turn it is.
        blur: how blurred the image is.
        good: the last state with many keypoints followed; None where this is one, or it is too old.
        good_age: number of frames since.
        matched: verified matches that stand in for keypoints; None where enough are followed.
    """

    half: np.ndarray | None
    pixels: np.ndarray
    misfit: np.ndarray
    deviation_px: np.ndarray
    bent: np.ndarray
    velocity: np.ndarray
    affine: np.ndarray
    expected: np.ndarray
    frame: int = 0
    blur: Blur = Blur()
    good: Track | None = None
    good_age: int = 0
    matched: Matched | None = None

    @classmethod
    def begin(cls, anchors: np.ndarray) -> Track:
        """The state in which none of (N, 2) ``anchors`` has been found yet."""
        return cls(
            half=None,
            pixels=np.zeros_like(anchors),
            misfit=np.full(len(anchors), np.inf),
            deviation_px=np.full(len(anchors), np.nan),
            bent=np.zeros(len(anchors), dtype=bool),
            velocity=np.zeros_like(anchors),
            affine=np.tile(np.eye(2), (len(anchors), 1, 1)),
            expected=anchors.copy(),
        )

    @property
    def followed(self) -> np.ndarray:
        """(N,) bool: fit well enough to lead to the next frame."""
        return is_followed(self.misfit)

    @property
    def precise(self) -> np.ndarray:
        """(N,) bool: fit well enough to be reported."""
        return self.misfit < _MISFIT_REPORTED

    @property
    def count(self) -> int:
        """Number of keypoints followed."""
        return int(self.followed.sum())

    def lost_in(self, half: np.ndarray) -> Track:
        """In a new frame where none of the keypoints could be followed."""
        return replace(self, half=half, misfit=np.full(len(self.misfit), np.inf))

    def carried(self, change: np.ndarray) -> Track:
        """With all maps moved on by the (2, 3) affine motion of the image to the next frame."""
        return replace(
            self,
            affine=change[:, :2] @ self.affine,
            expected=self.expected @ change[:, :2].T + change[:, 2],
            frame=self.frame + 1,
        )

    @property
    def sighted(self) -> Sighted:
        """Where the keypoints are."""
        return Sighted(self.pixels, self.misfit, self.deviation_px, self.bent)

    def found(self, at: Sighted) -> Track:
        """With keypoints where they were sighted."""
        return replace(
            self, pixels=at.pixels, misfit=at.misfit, deviation_px=at.deviation_px, bent=at.bent
        )

    def moved_from(self, previous: Track) -> Track:
        """With the velocity since the frame before."""
        both = self.followed & previous.followed
        velocity = np.where(both[:, None], self.pixels - previous.pixels, 0.0)
        return replace(self, velocity=velocity)

    def mapped(self, which: slice, affine: np.ndarray, expected: np.ndarray) -> Track:
        """With other maps and expected positions of the keypoints ``which``."""
        all_affine, all_expected = self.affine.copy(), self.expected.copy()
        all_affine[which], all_expected[which] = affine, expected
        return replace(self, affine=all_affine, expected=all_expected)


def is_followed(misfit: np.ndarray) -> np.ndarray:
    """(N,) bool: which patches fit well enough to lead to the next frame."""
    return misfit < _MISFIT_FOLLOWED
