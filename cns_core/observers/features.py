"""Keypoints with descriptors, what finds them, and which of them to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist


@dataclass(frozen=True)
class Features:
    """Keypoints of one image: (N, 2) pixels, (N, D) descriptors, (N,) detector responses."""

    pixels: np.ndarray
    descriptors: np.ndarray
    response: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, index: np.ndarray) -> Features:
        """The features at ``index`` (integers or a bool mask)."""
        return Features(self.pixels[index], self.descriptors[index], self.response[index])


@dataclass(frozen=True, eq=False)
class FoundKeypoints:
    """The N desired keypoints in a current image.

    Attributes:
        pixels: (N, 2) where they are, finite.
        matched: (N,) bool, which of them hold.
        deviation_px: (N,) standard deviation of a position along one axis, of those that hold.
    """

    pixels: np.ndarray
    matched: np.ndarray
    deviation_px: np.ndarray

    @classmethod
    def at(
        cls, desired: np.ndarray, index: np.ndarray, pixels: np.ndarray, deviation_px: ArrayLike
    ) -> FoundKeypoints:
        """Of (N, 2) ``desired`` those at (M,) ``index`` were found, at (M, 2) ``pixels``."""
        places, matched = desired.copy(), np.zeros(len(desired), dtype=bool)
        deviation = np.full(len(desired), np.nan)
        places[index], matched[index], deviation[index] = pixels, True, deviation_px
        return cls(places, matched, deviation)


class Backend(Protocol):
    """A detector with its descriptor: what :class:`Sift`, :class:`Akaze` and :class:`Orb` are.

    Attributes:
        norm: how descriptors compare, ``cv2.NORM_L2`` or ``cv2.NORM_HAMMING``.
        deviation_px: standard deviation of a right match's place along one axis, measured on
            photographs seen again from nearby (docs/photos.md).
    """

    norm: int
    deviation_px: float

    def detect(self, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
        """Find features in a (H, W) uint8 image; ``mask`` is uint8, zero where to ignore."""


def extract(detector: cv2.Feature2D, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
    """Run an OpenCV ``Feature2D`` on a grey image; ``mask`` is uint8, zero where to ignore."""
    keypoints, descriptors = detector.detectAndCompute(grey, mask)
    if not keypoints:
        return Features(np.zeros((0, 2)), np.zeros((0, 1), np.float32), np.zeros(0))
    pixels = np.asarray(cv2.KeyPoint.convert(keypoints), dtype=float)
    return Features(pixels, descriptors, np.array([k.response for k in keypoints]))


def select(
    pixels: np.ndarray, response: np.ndarray, count: int, spacing_px: float = 3.0
) -> np.ndarray:
    """Choose keypoints that are strong and cover the image evenly.

    Adaptive non-maximal suppression: a keypoint ranks by its distance to the nearest stronger one
    (Brown, Szeliski and Winder, CVPR 2005, section 3).

    Args:
        pixels: (N, 2) positions.
        response: (N,) strengths.
        count: how many to keep at most.
        spacing_px: least distance between two kept keypoints, which also removes a detector's
            repeated reports of one place.

    Returns:
        Indices of the kept keypoints, best first.
    """
    order = np.argsort(-response, kind="stable")
    distance = cdist(pixels[order], pixels[order])
    stronger = np.tri(len(order), k=-1, dtype=bool)
    radius = np.where(stronger, distance, np.inf).min(axis=1, initial=np.inf)
    best = np.argsort(-radius, kind="stable")[:count]
    return order[best[radius[best] >= spacing_px]]
