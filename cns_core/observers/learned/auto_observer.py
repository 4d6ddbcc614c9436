"""Plain observer that asks a learned matcher where a detector's matches are few."""

from __future__ import annotations

import numpy as np

from cns_core.observers.features import Backend, FoundKeypoints
from cns_core.observers.learned.learned_observer import DEVIATION_PX, LearnedObserver
from cns_core.observers.matching import match

_ENOUGH_SHARE = 0.7
"""Of the detector's keypoints. Fewer matches than that, and the learned matcher has more."""


class AutoObserver(LearnedObserver):
    """Matches by the backend's features, and by learned ones too where those find little.

    Half of the keypoints are the backend's, the other half the learned matcher's; only those of an
    image that needs them are looked for. Its arguments are those of :class:`.LearnedObserver`.
    """

    def _take(self, grey: np.ndarray, backend: Backend) -> np.ndarray:
        if backend is not self._backend:
            return super()._take(grey, backend)
        half = self._settings.max_keypoints // 2
        features = self._selected(grey, backend, half)
        search = self._search_for(grey, half)
        pixels = np.vstack([features.pixels, search.pixels])
        self._refuse_below_minimum(len(pixels))
        self._features, self._finder, self._search = features, backend, search
        return pixels

    def _find(self, grey: np.ndarray) -> FoundKeypoints:
        if self._search is None:
            return super()._find(grey)
        current = self._finder.detect(grey, self._mask)
        index, j = match(self._features, current, self._finder.norm)
        found = current.pixels[j]
        true = self._agree(self._pixels[index], found)
        if true.sum() < _ENOUGH_SHARE * len(self._features):
            learned = self._search.find(grey, self._mask)
            index = np.concatenate([index[true], len(self._features) + learned.index])
            found = np.vstack([found[true], learned.pixels])
            true = self._agree(self._pixels[index], found)
        index = index[true]
        learned = index >= len(self._features)
        deviation_px = np.where(learned, DEVIATION_PX, self._finder.deviation_px)
        return FoundKeypoints.at(self._pixels, index, found[true], deviation_px)
