"""What is known of all keypoints after one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cns_core.observers.blur import Blur
from cns_core.observers.sighted import Sighted

_MISFIT_FOLLOWED, _MISFIT_REPORTED = 2.5, 1.4
"""Patches that fit this much worse than usual straddle the edge of an object or of an occluder.
The better ones of them still lead to where they may be precise again."""
KNOWN = 25
"""Keypoints followed with which it is known how blurred the image is."""


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
        sighted: where they are, which means nothing where they are not :attr:`followed`.
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
    sighted: Sighted
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
            sighted=Sighted.nowhere(np.zeros_like(anchors)),
            velocity=np.zeros_like(anchors),
            affine=np.tile(np.eye(2), (len(anchors), 1, 1)),
            expected=anchors.copy(),
        )

    @property
    def followed(self) -> np.ndarray:
        """(N,) bool: fit well enough to lead to the next frame."""
        return is_followed(self.sighted.misfit)

    @property
    def precise(self) -> np.ndarray:
        """(N,) bool: fit well enough to be reported."""
        return self.sighted.misfit < _MISFIT_REPORTED

    @property
    def count(self) -> int:
        """Number of keypoints followed."""
        return int(self.followed.sum())

    def lost_in(self, half: np.ndarray) -> Track:
        """In a new frame where none of the keypoints could be followed."""
        nowhere = replace(self.sighted, misfit=np.full(len(self.sighted.misfit), np.inf))
        return replace(self, half=half, sighted=nowhere)

    def carried(self, change: np.ndarray) -> Track:
        """With all maps moved on by the (2, 3) affine motion of the image to the next frame."""
        return replace(
            self,
            affine=change[:, :2] @ self.affine,
            expected=self.expected @ change[:, :2].T + change[:, 2],
            frame=self.frame + 1,
        )

    def moved_from(self, previous: Track) -> Track:
        """With the velocity since the frame before."""
        both = self.followed & previous.followed
        velocity = np.where(both[:, None], self.sighted.pixels - previous.sighted.pixels, 0.0)
        return replace(self, velocity=velocity)

    def mapped(self, which: slice, affine: np.ndarray, expected: np.ndarray) -> Track:
        """With other maps and expected positions of the keypoints ``which``."""
        all_affine, all_expected = self.affine.copy(), self.expected.copy()
        all_affine[which], all_expected[which] = affine, expected
        return replace(self, affine=all_affine, expected=all_expected)


def is_followed(misfit: np.ndarray) -> np.ndarray:
    """(N,) bool: which patches fit well enough to lead to the next frame."""
    return misfit < _MISFIT_FOLLOWED
