"""Plain observer: detect and match every image against the desired one."""

from __future__ import annotations

import numpy as np

from cns_core.observers.base import FeatureObserver
from cns_core.observers.features import Backend, Features, FoundKeypoints, select
from cns_core.observers.matching import match


class MatchingObserver(FeatureObserver):
    """Matches every image against the desired image, with no memory of the image before.

    Its arguments are those of :class:`~cns_core.observers.base.FeatureObserver`.
    """

    def _take(self, grey: np.ndarray, backend: Backend) -> np.ndarray:
        features = self._selected(grey, backend, self._settings.max_keypoints)
        self._refuse_below_minimum(len(features))
        self._features, self._finder = features, backend
        return features.pixels

    def _selected(self, grey: np.ndarray, backend: Backend, count: int) -> Features:
        """At most ``count`` features of a grey image, spread evenly."""
        found = backend.detect(grey, self._mask)
        return found.take(select(found.pixels, found.response, count))

    def _find(self, grey: np.ndarray) -> FoundKeypoints:
        found = self._finder.detect(grey, self._mask)
        i, j = match(self._features, found, self._finder.norm)
        true = self._agree(self._features.pixels[i], found.pixels[j])
        places = found.pixels[j[true]]
        return FoundKeypoints.at(self._features.pixels, i[true], places, self._finder.deviation_px)
