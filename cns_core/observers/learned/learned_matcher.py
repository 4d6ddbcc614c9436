"""Features with the network that matches them."""

from __future__ import annotations

from functools import cache
from threading import Lock

import numpy as np

from cns_core.observers.learned.extra import LIGHTGLUE
from cns_core.observers.learned.lightglue import LightGlue, read_weights
from cns_core.observers.learned.oriented_sift import OrientedSift
from cns_core.observers.learned.view import Extractor, View
from cns_core.observers.learned.xfeat import XFeat, weights_file

_LOADING = Lock()


class LearnedMatcher:
    """What finds features in two images and matches them.

    Args:
        extractor: finds features.
        glue: the :class:`LightGlue` trained for them.
    """

    def __init__(self, extractor: Extractor, glue: LightGlue) -> None:
        self._extractor, self._glue = extractor, glue

    def view(self, grey: np.ndarray, mask: np.ndarray | None = None) -> View:
        """The strongest features of a (H, W) uint8 image, best first."""
        return self._extractor.view(grey, mask)

    def match(self, desired: View, current: View) -> tuple[np.ndarray, np.ndarray]:
        """``(i, j)``: feature ``i[k]`` of one view is ``j[k]`` of the other, none of them twice."""
        return self._glue.match(desired, current)


def matcher_of(name: str) -> LearnedMatcher:
    """The matcher of a learned observer, loaded once per process.

    Args:
        name: ``'xfeat'``, ``'auto'`` (which is XFeat's), or ``'lightglue:PATH'`` with the path of
            weights, see :func:`.read_weights`, that were trained for SIFT (descriptors of 128
            numbers, keypoints with scale and angle) or XFeat (64 numbers): the features that can
            be computed here.

    Raises:
        OSError: if weights cannot be read.
        ValueError: if they are of another kind.
    """
    with _LOADING:
        if name.startswith(LIGHTGLUE):
            return _lightglue(name.removeprefix(LIGHTGLUE))
        return _xfeat()


@cache
def _xfeat() -> LearnedMatcher:
    return LearnedMatcher(XFeat(), LightGlue(read_weights(weights_file("xfeat-lighterglue.pt"))))


@cache
def _lightglue(path: str) -> LearnedMatcher:
    glue = LightGlue(read_weights(path))
    features = (glue.descriptor_size, glue.oriented)
    if features == (128, True):
        return LearnedMatcher(OrientedSift(), glue)
    if features == (64, False):
        return LearnedMatcher(XFeat(), glue)
    oriented = "with" if glue.oriented else "without"
    raise ValueError(
        f"{path} matches descriptors of {glue.descriptor_size} numbers at keypoints {oriented} "
        "scale and angle; weights for SIFT (128, with) or XFeat (64, without) are needed"
    )
