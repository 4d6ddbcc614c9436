"""Observer that matches seldom, follows in between and aligns to the desired image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.base import FeatureObserver, ObserverSettings
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.features import Backend, Features, FoundKeypoints
from cns_core.observers.frame import Frame
from cns_core.observers.matching_schedule import MatchingSchedule
from cns_core.observers.recognition import Recognition, Recognizer
from cns_core.observers.rematch import Rematcher
from cns_core.observers.scene_first import sure
from cns_core.observers.track import Track
from cns_core.observers.tracker import Tracker


class TrackingObserver(FeatureObserver):
    """Follows keypoints of the desired image and refines each one to a few hundredths of a pixel.

    Every frame the keypoints are predicted from the last one by optical flow, and each one's patch
    is then aligned to the *desired* image, so that errors do not accumulate. A keypoint that was
    lost is tried again where its neighbours say it should be. The backend matches the whole image
    only when too few keypoints are followed, beside the stream of frames.

    Args:
        backend, camera, settings: see :class:`~cns_core.observers.base.FeatureObserver`.
        rematcher: runs the matchings; None for one that has a worker thread. Without the thread a
            frame may wait for a matching, but the outcome does not depend on timing.
        rematch_every: match at least once in this many frames, None for only when few keypoints
            are followed.
        recognition: makes what matches an image against the desired one, from what
            :class:`.Recognition` takes; a goal that repeats itself is recognized by that class.
    """

    def __init__(
        self,
        backend: Backend,
        camera: PinholeCamera,
        settings: ObserverSettings | None = None,
        *,
        rematcher: Rematcher | None = None,
        rematch_every: int | None = None,
        recognition: Callable[..., Recognizer] = Recognition,
    ) -> None:
        super().__init__(backend, camera, settings)
        self._detecting = Lock()
        self._rematch_every = rematch_every
        self._rematcher = rematcher or Rematcher.in_background()
        self._make_recognition = recognition

    def close(self) -> None:
        """Stop the worker threads."""
        self._rematcher.close()

    def _take(self, grey: np.ndarray, backend: Backend) -> np.ndarray:
        frame = Frame.of(np.array(grey))
        settings = self._settings
        patches = DesiredPatches(frame, settings.max_keypoints, self._mask, settings.smooth_px)
        make = self._make_recognition if backend is self._backend else Recognition
        recognition = make(
            partial(self._detect, backend), backend.norm, self._agree, frame, self._mask
        )
        self._refuse_below_minimum(min(recognition.count, len(patches.anchors)))
        self._patches, self._recognition = patches, recognition
        self._tracker = Tracker(patches, self._agree)
        self._rematcher.forget()
        self._schedule = MatchingSchedule(self._rematch_every)
        self._track = Track.begin(patches.anchors)
        self._unfinished: tuple[Frame, Track] | None = None
        return patches.anchors

    def prepare(self) -> None:
        """Merge a finished matching in, and bring what predicts keypoints up to date."""
        if self._unfinished is None:
            return
        (frame, track), self._unfinished = self._unfinished, None
        found = self._rematcher.poll(frame.half)
        if found:
            before = track.count
            track = self._tracker.merge(track, frame, found)
            self._schedule.matched(before, track.count)
            if not sure(found[0], frame.size):
                self._rematcher.search(self._recognition.search, frame)
        self._track = self._tracker.settle(track, self._track, anew=bool(found))

    def _find(self, grey: np.ndarray) -> FoundKeypoints:
        self.prepare()
        # A copy: the worker may still read it when the caller's buffer holds the next image.
        frame = Frame.of(np.array(grey))
        track = self._tracker.follow(self._track, frame)
        in_view = int(self._patches.in_view(track.expected).sum())
        enough = track.count >= MatchingSchedule.ENOUGH
        if self._schedule.due(track.count, in_view) and not self._rematcher.busy:
            # What comes back into view does not wait for a search that has a worker of its own.
            recognition = self._recognition
            match = recognition.look if self._rematcher.searches else recognition.match
            self._rematcher.submit(match, frame, patient=enough)
        self._unfinished = frame, track
        if not enough:  # what a matching brings is the answer then, not a help for later
            self.prepare()
            track = self._track
        return self._tracker.reported(track)

    def _detect(self, backend: Backend, grey: np.ndarray, mask: np.ndarray | None) -> Features:
        with self._detecting:  # OpenCV's detectors are not safe in two threads at once
            return backend.detect(grey, mask)
