"""Find a view in images that may be turned, by a matcher that knows no turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from cns_core.observers.learned.view import PairMatcher, View
from cns_core.observers.scene_first import sure, weight

_TURNS_DEG = (0.0, 90.0, 180.0, 270.0)
_FEWEST = 8
"""Matches from which a turn can be measured."""
_UPRIGHT_DEG = 12.0
"""Turns smaller than this cost the matcher nothing."""
_BORDER = np.ones((5, 5), np.uint8)
_MULTIPLE_PX = 32


@dataclass(frozen=True, eq=False)
class TurnedMatches:
    """Matches found with an image turned back by an angle.

    Attributes:
        index: (M,) features of the desired view.
        pixels: (M, 2) where they are in the image.
        turn_deg: by how much the image was turned back.
    """

    index: np.ndarray
    pixels: np.ndarray
    turn_deg: float

    def __len__(self) -> int:
        return len(self.index)


class TurnSearch:
    """Matches images against a desired view, turned upright first.

    The first image, and every one after the goal was lost, is tried in four turns, the likeliest
    first; matches then tell the turn itself, by which it and the next images are turned back.

    Args:
        matcher: finds and matches features.
        desired: the desired view.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
    """

    def __init__(
        self,
        matcher: PairMatcher,
        desired: View,
        agree: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> None:
        self._matcher, self._desired, self._agree = matcher, desired, agree
        self._turn_deg: float | None = None

    @property
    def pixels(self) -> np.ndarray:
        """(N, 2) keypoints of the desired view."""
        return self._desired.features.pixels

    def find(self, grey: np.ndarray, mask: np.ndarray | None) -> TurnedMatches:
        """The matches that can be trusted in a (H, W) uint8 image within a mask (or None)."""
        look = partial(self._look, grey, mask)
        best = TurnedMatches(np.zeros(0, int), np.zeros((0, 2)), 0.0)
        if self._turn_deg is not None:
            best = self._match(look(self._turn_deg), self._turn_deg)
        if not self._sure(best, grey):
            best = max(best, self._try_turns(look, grey), key=self._weight)
        if len(best) >= _FEWEST:
            best = self._turn_further(look, best)
        self._turn_deg = self._measured(best) if len(best) >= _FEWEST else None
        return best

    def _sure(self, matches: TurnedMatches, grey: np.ndarray) -> bool:
        return sure((self.pixels[matches.index], matches.pixels), (grey.shape[1], grey.shape[0]))

    def _weight(self, matches: TurnedMatches) -> tuple[bool, int]:
        return weight((self.pixels[matches.index], matches.pixels))

    def _try_turns(self, look: Callable[[float], _Look], grey: np.ndarray) -> TurnedMatches:
        looks = {turn_deg: look(turn_deg) for turn_deg in _TURNS_DEG}
        likely = {d: _mutual(self._desired, each.view) for d, each in looks.items()}
        found: list[TurnedMatches] = []
        for turn_deg in sorted(likely, key=likely.__getitem__, reverse=True):
            found.append(self._match(looks[turn_deg], turn_deg))
            if self._sure(found[-1], grey):
                break
        return max(found, key=self._weight)

    def _turn_further(
        self, look: Callable[[float], _Look], matches: TurnedMatches
    ) -> TurnedMatches:
        """The matches with the image turned upright by what matches tell, if that gives more."""
        turn_deg = self._measured(matches)
        if abs((turn_deg - matches.turn_deg + 180.0) % 360.0 - 180.0) < _UPRIGHT_DEG:
            return matches
        return max(matches, self._match(look(turn_deg), turn_deg), key=self._weight)

    def _match(self, look: _Look, turn_deg: float) -> TurnedMatches:
        i, j = self._matcher.match(self._desired, look.view)
        pixels = look.view.features.pixels[j] @ look.back[:, :2].T + look.back[:, 2]
        true = self._agree(self.pixels[i], pixels)
        return TurnedMatches(i[true], pixels[true], turn_deg)

    def _measured(self, matches: TurnedMatches) -> float:
        """The image's turn against the desired view, deg."""
        desired = self.pixels[matches.index]
        A, _ = cv2.estimateAffinePartial2D(desired, matches.pixels, ransacReprojThreshold=20.0)
        return matches.turn_deg if A is None else float(np.degrees(np.arctan2(A[1, 0], A[0, 0])))

    def _look(self, grey: np.ndarray, mask: np.ndarray | None, turn_deg: float) -> _Look:
        if turn_deg == 0.0:
            return _Look(self._matcher.view(grey, mask), np.eye(2, 3))
        forth, size = _turn(grey.shape, turn_deg)
        turned = cv2.warpAffine(grey, forth, size, borderMode=cv2.BORDER_REPLICATE)
        whole = np.full_like(grey, 255) if mask is None else mask
        seen = cv2.warpAffine(whole, forth, size)
        if turn_deg % 90.0:
            seen = cv2.erode(seen, _BORDER)
        inside = None if seen.min() == 255 else np.where(seen == 255, 255, 0).astype(np.uint8)
        return _Look(self._matcher.view(turned, inside), cv2.invertAffineTransform(forth))


@dataclass(frozen=True, eq=False)
class _Look:
    """A view of a turned image, and the (2, 3) map of its pixels back to the image."""

    view: View
    back: np.ndarray


def _mutual(a: View, b: View) -> int:
    """How many features of two views are each other's nearest: a quick guess of the matches."""
    if min(len(a), len(b)) == 0:
        return 0
    likeness = a.features.descriptors @ b.features.descriptors.T
    nearest = likeness.argmax(axis=1)
    return int((likeness.argmax(axis=0)[nearest] == np.arange(len(a))).sum())


def _turn(shape: tuple[int, ...], angle_deg: float) -> tuple[np.ndarray, tuple[int, int]]:
    """(2, 3) map that turns an image, and a (width, height) that holds all of it.

    Multiples of 32 pixels, which networks take without resampling.
    """
    height, width = shape
    middle = (0.5 * (width - 1), 0.5 * (height - 1))
    forth: np.ndarray = cv2.getRotationMatrix2D(middle, angle_deg, 1.0)
    reach = np.abs(forth[:, :2]) @ (width, height)
    size = _MULTIPLE_PX * np.ceil(reach / _MULTIPLE_PX - 1e-6)
    forth[:, 2] += 0.5 * (size - 1.0) - middle
    return forth, (int(size[0]), int(size[1]))
