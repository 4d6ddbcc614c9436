"""A grey image at the two sizes that tracking works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cns_core.observers.flow import shrink


@dataclass(frozen=True, eq=False)
class Frame:
    """An image at full and at half size.

    Args:
        grey: (H, W) uint8.
        half: (H / 2, W / 2) uint8, as :func:`~cns_core.observers.flow.shrink` gives it.
    """

    grey: np.ndarray
    half: np.ndarray

    @classmethod
    def of(cls, grey: np.ndarray) -> Frame:
        """The frame of a (H, W) uint8 image, which must not change any more."""
        return cls(grey, shrink(grey))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.grey.shape[1], self.grey.shape[0]
