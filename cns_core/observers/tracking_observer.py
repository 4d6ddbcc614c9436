"""Observer that matches seldom, follows in between and aligns to the desired image."""

from threading import Lock

import numpy as np

from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import local_affine
from cns_core.observers.base import Observer
from cns_core.observers.flow import follow, shrink
from cns_core.observers.recognition import Recognition
from cns_core.observers.rematch import MatchingSchedule, Rematcher
from cns_core.observers.target import Target
from cns_core.observers.verification import MIN_VERIFIABLE

_SURPRISE_PX = 6.0
"""Flow that ends this far from where the last motion pointed needs rough alignment first."""
_RETRY_FRAMES = 3
"""Each lost keypoint is looked for in one of this many frames, which bounds the cost of a frame."""
_CARRY_FRAMES = 2
"""Each keypoint's local motion is fitted to its neighbours' in one of this many frames."""
_MERGE_PASSES = 2
"""Rounds in which matches are spread to all keypoints, where the first one reaches few."""
_ASTRAY_PX = 20.0
"""Keypoints this far from where a matching puts them follow something else."""
_MISFIT_FOLLOWED, _MISFIT_REPORTED = 2.5, 1.4
"""Patches that fit this much worse than usual straddle the edge of an object or of an occluder.
The better ones of them still lead to where they may be precise again."""


class TrackingObserver(Observer):
    """Follows keypoints of the desired image and refines each one to a few hundredths of a pixel.

    Every frame the keypoints are predicted from the last one by optical flow, and each one's patch
    is then aligned to the *desired* image, so that errors do not accumulate. A keypoint that was
    lost is tried again where its neighbours say it should be. The backend matches the whole image
    only when too few keypoints are followed, beside the stream of frames.

    Args:
        backend, camera, shared: see :class:`~cns_core.observers.base.Observer`.
        background: match in a worker thread; without it a frame may wait for a matching, but the
            outcome does not depend on timing.
        rematch_every: match at least once in this many frames, None for only when few keypoints
            are followed.
    """

    def __init__(self, backend, camera, *, background=True, rematch_every=None, **shared):
        super().__init__(backend, camera, **shared)
        self._detecting = Lock()
        self._rematch_every = rematch_every
        self._rematcher = Rematcher(background)

    def close(self):
        """Stop the worker threads."""
        self._rematcher.close()

    def _take(self, grey):
        grey = np.array(grey)
        target = Target(grey, self._max_keypoints, self._mask)
        recognition = Recognition(self._detect, self._backend.norm, self._agree, grey, self._mask)
        self._refuse_below_minimum(min(recognition.count, len(target.anchors)))
        self._target, self._recognition = target, recognition
        self._rematcher.forget()
        self._schedule = MatchingSchedule(self._rematch_every)
        self._pixels = np.zeros_like(target.anchors)
        self._velocity = np.zeros_like(target.anchors)
        self._tracked = np.zeros(len(target.anchors), bool)
        self._affine = np.tile(np.eye(2), (len(target.anchors), 1, 1))
        self._expected = target.anchors.copy()
        self._half = self._misfit = self._unfinished = None
        self._frame = 0
        return target.anchors

    def prepare(self):
        """Merge a finished matching in, and bring what predicts keypoints up to date."""
        if self._unfinished is None:
            return
        (grey, half, pixels, misfit), self._unfinished = self._unfinished, None
        matches = self._rematcher.poll(half)
        if matches is not None:
            before = (misfit < _MISFIT_FOLLOWED).sum()
            pixels, misfit = self._merge(grey, half, pixels, misfit, *matches)
            self._schedule.matched(before, (misfit < _MISFIT_FOLLOWED).sum())
        self._remember(half, pixels, misfit, anew=matches is not None)

    def _find(self, grey):
        self.prepare()
        # A copy: the worker may still read it when the caller's buffer holds the next image.
        grey = np.array(grey)
        half = shrink(grey)
        pixels, misfit = self._track(grey, half)
        tracked = (misfit < _MISFIT_FOLLOWED).sum()
        in_view = self._target.in_view(self._expected).sum()
        enough = tracked >= MatchingSchedule.ENOUGH
        if self._schedule.due(tracked, in_view) and not self._rematcher.busy:
            self._rematcher.submit(self._recognition.match, grey, half, patient=enough)
        self._unfinished = grey, half, pixels, misfit
        if not enough:  # what a matching brings is the answer then, not a help for later
            self.prepare()
            pixels, misfit = self._pixels, self._misfit
        precise = misfit < _MISFIT_REPORTED
        current = self.camera.normalize(np.where(precise[:, None], pixels, self._target.anchors))
        return Correspondence(self.desired, current, precise)

    def _track(self, grey, half):
        """Follow the keypoints from the last frame and align them."""
        pixels, nothing = self._pixels.copy(), np.full(len(self._pixels), np.inf)
        if not self._tracked.any():
            return pixels, nothing
        last = self._pixels[self._tracked]
        straight_on = last + self._velocity[self._tracked]
        moved, found = follow(self._half, half, last, straight_on)
        # The maps of the last frame come from aligned keypoints, finer than flow could give them.
        change = local_affine.fit_consensus(last[found], moved[found])
        if change is None:
            return pixels, nothing
        seeded = np.zeros_like(self._tracked)
        pixels[self._tracked], seeded[self._tracked] = moved, found
        self._affine = change[:, :2] @ self._affine
        self._expected = self._expected @ change[:, :2].T + change[:, 2]
        guess = np.where(seeded[:, None], pixels, self._expected)
        rough = np.zeros_like(seeded)
        rough[self._tracked] = np.linalg.norm(moved - straight_on, axis=1) > _SURPRISE_PX
        self._frame += 1
        turn = (np.arange(len(seeded)) + self._frame) % _RETRY_FRAMES == 0
        return self._align(grey, half, guess, self._affine, seeded | turn, rough)

    def _merge(self, grey, half, pixels, misfit, desired, current):
        """Add the keypoints that a finished matching brings back."""
        if len(desired) < MIN_VERIFIABLE:
            return pixels, misfit
        tracked = misfit < _MISFIT_FOLLOWED
        affine, expected = self._target.carry(desired, current)
        astray = np.linalg.norm(pixels - expected, axis=1)[tracked] > _ASTRAY_PX
        if 0.5 * len(astray) < astray.sum() < len(desired):
            tracked = np.zeros_like(tracked)
        for _ in range(_MERGE_PASSES):
            lost = ~tracked
            found, found_misfit = self._align(grey, half, expected, affine, lost, lost)
            pixels = np.where(lost[:, None], found, pixels)
            misfit = np.where(lost, found_misfit, misfit)
            tracked = misfit < _MISFIT_FOLLOWED
            if tracked.sum() > 0.5 * self._target.in_view(expected).sum():
                break
            # What was found leads to what lies beyond, where no match was near.
            desired = np.vstack([desired, self._target.anchors[tracked]])
            current = np.vstack([current, pixels[tracked]])
            affine, expected = self._target.carry(desired, current)
        return pixels, misfit

    def _align(self, grey, half, guess, affine, attempt, rough):
        """Where the anchors are and how badly they fit, infinitely where motions disagree."""
        pixels, misfit = self._target.align(grey, half, guess, affine, attempt, rough)
        k = np.flatnonzero(misfit < _MISFIT_FOLLOWED)
        misfit[k[~self._agree(self._target.anchors[k], pixels[k])]] = np.inf
        return pixels, misfit

    def _detect(self, grey, mask):
        with self._detecting:  # OpenCV's detectors are not safe in two threads at once
            return self._backend.detect(grey, mask)

    def _remember(self, half, pixels, misfit, anew):
        tracked = misfit < _MISFIT_FOLLOWED
        both = tracked & self._tracked
        self._velocity = np.where(both[:, None], pixels - self._pixels, 0.0)
        self._half, self._pixels, self._misfit = half, pixels, misfit
        self._tracked = tracked
        if tracked.sum() >= MIN_VERIFIABLE:
            # All keypoints when some were matched anew, else in turn: the motion of the whole image
            # has brought the maps of the others up to date.
            which = slice(None) if anew else slice(self._frame % _CARRY_FRAMES, None, _CARRY_FRAMES)
            self._affine[which], self._expected[which] = self._target.carry(
                self._target.anchors[tracked], pixels[tracked], which
            )
