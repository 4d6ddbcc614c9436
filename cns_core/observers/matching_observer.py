"""Plain observer: detect and match every image against the desired one."""

import numpy as np

from cns_core.geometry.correspondence import Correspondence
from cns_core.observers.base import Observer
from cns_core.observers.features import spread
from cns_core.observers.matching import match


class MatchingObserver(Observer):
    """Matches every image against the desired image, with no memory of the image before.

    Its arguments are those of :class:`~cns_core.observers.base.Observer`.
    """

    def _take(self, grey):
        found = self._backend.detect(grey, self._mask)
        features = found.take(spread(found.pixels, found.response, self._max_keypoints))
        self._refuse_below_minimum(len(features))
        self._features = features
        return features.pixels

    def _find(self, grey):
        found = self._backend.detect(grey, self._mask)
        i, j = match(self._features, found, self._backend.norm)
        true = self._agree(self._features.pixels[i], found.pixels[j])
        i, j = i[true], j[true]
        current, matched = np.zeros_like(self.desired), np.zeros(len(self.desired), bool)
        current[i], matched[i] = self.camera.normalize(found.pixels[j]), True
        return Correspondence(self.desired, current, matched)
