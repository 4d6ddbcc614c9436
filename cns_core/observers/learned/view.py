"""An image as a learned matcher sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from cns_core.observers.features import Features


@dataclass(frozen=True, eq=False)
class View:
    """Features of one image, with what the matcher wants to know besides descriptors.

    Args:
        features: N keypoints, pixels of the image.
        size: (width, height) of the image in pixels.
        scales, angles: (N,) diameters in pixels and orientations in rad, where keypoints have them.
    """

    features: Features
    size: tuple[int, int]
    scales: np.ndarray | None = None
    angles: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def take(self, index: np.ndarray) -> View:
        """The view with the features at ``index`` (integers or a bool mask) only."""
        return replace(
            self,
            features=self.features.take(index),
            scales=None if self.scales is None else self.scales[index],
            angles=None if self.angles is None else self.angles[index],
        )


class Extractor(Protocol):
    """Finds the features of an image, as :class:`.XFeat` does."""

    def view(self, grey: np.ndarray, mask: np.ndarray | None = None) -> View:
        """The strongest features of a (H, W) uint8 image, best first; the mask is zero where to
        ignore, or None.
        """


class PairMatcher(Extractor, Protocol):
    """An extractor with the matcher that was trained for it."""

    def match(self, desired: View, current: View) -> tuple[np.ndarray, np.ndarray]:
        """``(i, j)``: feature ``i[k]`` of one view is ``j[k]`` of the other, none of them twice."""
