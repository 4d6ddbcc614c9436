"""Plain observer with a learned matcher: every image against the desired one."""

from __future__ import annotations

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.base import ObserverSettings
from cns_core.observers.features import Backend, FoundKeypoints, select
from cns_core.observers.learned.turn_search import TurnSearch
from cns_core.observers.learned.view import PairMatcher
from cns_core.observers.matching_observer import MatchingObserver

DEVIATION_PX = 0.9
"""Standard deviation of a right match's place along one axis, as XFeat's on photographs."""


class LearnedObserver(MatchingObserver):
    """Matches every image against the desired image; of the image before only the turn is kept.

    Args:
        backend: see :class:`~cns_core.observers.base.FeatureObserver`; of a goal that repeats
            itself matches are another's.
        matcher: finds and matches features.
        camera, settings: see :class:`~cns_core.observers.base.FeatureObserver`.
    """

    def __init__(
        self,
        backend: Backend,
        matcher: PairMatcher,
        camera: PinholeCamera,
        settings: ObserverSettings | None = None,
    ) -> None:
        super().__init__(backend, camera, settings)
        self._matcher = matcher
        self._search: TurnSearch | None = None

    def _take(self, grey: np.ndarray, backend: Backend) -> np.ndarray:
        if backend is not self._backend:
            pixels = super()._take(grey, backend)
            self._search = None
            return pixels
        search = self._search_for(grey, self._settings.max_keypoints)
        self._refuse_below_minimum(len(search.pixels))
        self._search = search
        return search.pixels

    def _find(self, grey: np.ndarray) -> FoundKeypoints:
        if self._search is None:
            return super()._find(grey)
        found = self._search.find(grey, self._mask)
        return FoundKeypoints.at(self._search.pixels, found.index, found.pixels, DEVIATION_PX)

    def _search_for(self, grey: np.ndarray, count: int) -> TurnSearch:
        """What finds the strongest ``count`` keypoints of a grey image in others."""
        view = self._matcher.view(grey, self._mask)
        chosen = select(view.features.pixels, view.features.response, count)
        return TurnSearch(self._matcher, view.take(chosen), self._agree)
