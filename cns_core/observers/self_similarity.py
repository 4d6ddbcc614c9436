"""How much of an image looks like another place in it: tiles, chessboards, rows of windows.

Seen one period off, such an image matches well and wrongly.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from cns_core.observers.akaze import Akaze
from cns_core.observers.features import Features
from cns_core.observers.flow import shrink
from cns_core.observers.matching import RATIO

SELF_SIMILAR = 0.4
"""Share from which a view that is off by a period may be taken for the goal, and from which AKAZE
recognizes it: of the three detectors it hardly ever does."""
HOPELESS = 0.96
"""Share from which nothing is left that would tell the two apart. Chessboards and tiles that fill
the view have 0.97 and more. A floor of tiles has 0.94 with twenty spots of dirt in view and 0.75
with a hundred, and is found again where it is; a chessboard on a bare table has 0.7, photographs
and pages of text less than 0.1."""
_NOISE, _SMOOTHING_PX = 3.0, 1.0
"""Standard deviation of the noise (grey levels) of two images of one view, and what is done against
the noise of the one there is: it would tell apart what is alike."""
_FEWEST, _MOST = 12, 500
"""Features without which nothing can be said, and how many of the strongest are compared."""
_SAME_PX = 2.0
_ELSEWHERE = 0.02
"""Of the image's width: what is further off is another place."""


def self_similar_share(grey: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Share of an image's features that the ratio test cannot tell from another place in it.

    The image is matched against itself under other noise, by AKAZE at half size: this is a property
    of the image, whatever finds its keypoints later.

    Args:
        grey, mask: (H, W) uint8; the mask is zero where to ignore, or None.

    Returns:
        0 to 1; 0 for an image with hardly any features.
    """
    half, detector, rng = shrink(grey), Akaze(), np.random.default_rng(0)
    where = None if mask is None else np.where(shrink(mask) == 255, 255, 0).astype(np.uint8)
    smooth = cv2.GaussianBlur(half, (0, 0), _SMOOTHING_PX)
    noisy = [np.clip(smooth + rng.normal(0.0, _NOISE, half.shape), 0, 255) for _ in range(2)]
    first, second = (detector.detect(each.astype(np.uint8), where) for each in noisy)
    if min(len(first), len(second)) < _FEWEST:
        return 0.0
    first = first.take(np.argsort(-first.response, kind="stable")[:_MOST])
    gap, unlike = cdist(first.pixels, second.pixels), _bits_apart(first, second)
    same = np.where(gap < _SAME_PX, unlike, np.inf).min(axis=1)
    other = np.where(gap > _ELSEWHERE * half.shape[1], unlike, np.inf).min(axis=1)
    found = np.isfinite(same)
    if found.sum() < _FEWEST:
        return 0.0
    return float((same >= RATIO * other)[found].mean())


def _bits_apart(first: Features, second: Features) -> np.ndarray:
    """(N, M) Hamming distances of descriptors."""
    a, b = (np.unpackbits(each.descriptors, axis=1).astype(np.float32) for each in (first, second))
    return a.sum(axis=1)[:, None] + b.sum(axis=1) - 2.0 * (a @ b.T)
