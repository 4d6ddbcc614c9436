"""What matches say of the scene, where a tool in view may be all that is matched.

A tool, its cable or dust on the lens are found in every image where the desired image has them: any
number of such matches says nothing of where the scene is. At the goal all matches are of this kind;
those are all over the image.
"""

from __future__ import annotations

import numpy as np

_IN_PLACE_PX = 3.0
_FEWEST = 8
"""Matches that moved and agree, with which they are a scene rather than chance."""
_SURE = 40
"""Matches that leave no doubt, and from which all keypoints can be placed."""
_CELLS = 4
"""The image is divided into so many cells each way."""
ALL_OVER = 10
"""Cells with matches that hardly a tool takes."""

Matches = tuple[np.ndarray, np.ndarray]
"""(M, 2) pixels in the desired image and in the current one."""


def weight(matches: Matches) -> tuple[bool, int]:
    """By which the better of several sets is chosen, the larger one: those with a scene before
    those that may be a tool alone, more matches before fewer."""
    desired, current = matches
    moved = int((np.linalg.norm(current - desired, axis=1) > _IN_PLACE_PX).sum())
    return moved >= _FEWEST, len(desired)


def sure(matches: Matches, size: tuple[int, int]) -> bool:
    """Whether verified matches are enough to search no further.

    Args:
        size: (width, height) of the desired image.
    """
    if len(matches[0]) < _SURE:
        return False
    return weight(matches)[0] or cells(matches[0], size) >= ALL_OVER


def cells(pixels: np.ndarray, size: tuple[int, int]) -> int:
    """In how many of the image's 16 cells (M, 2) pixels lie."""
    at = np.clip((_CELLS * pixels / size).astype(int), 0, _CELLS - 1)
    return len(np.unique(at[:, 0] + _CELLS * at[:, 1]))
