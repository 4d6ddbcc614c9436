"""When a detector found too little, so that the learned matcher is asked."""

from __future__ import annotations

import numpy as np

from cns_core.observers.scene_first import cells

_ENOUGH = 250
"""Verified matches with which the learned matcher places hardly more keypoints: on photographs with
up to 193 by SIFT it placed a fifth more now and then."""
_ENOUGH_CELLS = 10


def too_little(matched: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether matches are few, or in few places.

    Args:
        matched: (M, 2) desired keypoints with a verified match, pixels.
        size: (width, height) of the desired image.
    """
    if len(matched) < _ENOUGH:
        return True
    return cells(matched, size) < _ENOUGH_CELLS
