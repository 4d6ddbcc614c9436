"""Observer that matches seldom, follows in between and aligns to the desired image."""

from threading import Lock

import numpy as np

from cns_core.correspondence import Correspondence
from cns_core.observers import local_affine
from cns_core.observers.flow import follow, shrink
from cns_core.observers.matching import match
from cns_core.observers.matching_observer import TOLERANCE_PX, as_mask, to_grey
from cns_core.observers.rematch import MatchingSchedule, Rematcher
from cns_core.observers.target import Target
from cns_core.observers.verification import MIN_VERIFIABLE, verify

_SURPRISE_PX = 6.0
"""Flow that ends this far from where the last motion pointed needs rough alignment first."""
_ASTRAY_PX = 20.0
"""Keypoints this far from where a matching puts them follow something else."""


class TrackingObserver:
    """Follows keypoints of the desired image and refines each one to a few hundredths of a pixel.

    Every frame the keypoints are predicted from the last one by optical flow, and each one's patch
    is then aligned to the *desired* image, so that errors do not accumulate. A keypoint that was
    lost is tried again where its neighbours say it should be. The backend matches the whole image
    only when too few keypoints are followed, beside the stream of frames.

    Args:
        backend: :class:`Sift`, :class:`Akaze` or :class:`Orb`, for the matching.
        camera: the :class:`PinholeCamera` of all images.
        verify: whether keypoints must agree on one rigid motion.
        max_keypoints: most keypoints taken from the desired image.
        min_keypoints: fewest with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear, or None.
        background: match in a worker thread; without it a frame may wait for a matching, but the
            outcome does not depend on timing.
    """

    def __init__(
        self, backend, camera, *, verify, max_keypoints, min_keypoints, mask=None, background=True
    ):
        self.camera = camera
        self.desired = None
        self._backend = backend
        self._detecting = Lock()
        self._verify = verify
        self._max_keypoints = max_keypoints
        self._min_keypoints = min_keypoints
        self._mask = as_mask(mask, camera)
        self._rematcher = Rematcher(background)

    def set_desired(self, image):
        """Take (H, W[, 3]) uint8 ``image`` as the goal.

        Raises:
            ValueError: if the image is not of the camera's size or shows too little texture; the
                previous goal then stays.
        """
        self.camera.check_image(image)
        grey = to_grey(image)
        target = Target(grey, self._detect(grey), self._max_keypoints, self._mask)
        fewest = min(len(target.features), len(target.anchors))
        if fewest < self._min_keypoints:
            raise ValueError(
                f"desired image shows {fewest} keypoints, at least {self._min_keypoints} "
                "are needed: it is blank, blurred or lacks texture"
            )
        self._target = target
        self.desired = self.camera.normalize(target.anchors)
        self._rematcher.forget()
        self._schedule = MatchingSchedule()
        self._pixels = np.zeros_like(target.anchors)
        self._velocity = np.zeros_like(target.anchors)
        self._tracked = np.zeros(len(target.anchors), bool)
        self._affine = np.tile(np.eye(2), (len(target.anchors), 1, 1))
        self._expected = target.anchors
        self._half = None

    def observe(self, image):
        """Find the desired keypoints in (H, W[, 3]) uint8 ``image``.

        Returns:
            A :class:`Correspondence` over all desired keypoints.

        Raises:
            RuntimeError: before :meth:`set_desired`.
            ValueError: if ``image`` is not of the camera's size.
        """
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self.camera.check_image(image)
        # A copy: the worker may still read it when the caller's buffer holds the next image.
        grey = np.array(to_grey(image))
        half = shrink(grey)
        pixels, tracked = self._track(grey, half)
        in_view = self._target.inside(self._expected).sum()
        if self._schedule.due(tracked.sum(), in_view) and not self._rematcher.busy:
            target = self._target
            self._rematcher.submit(lambda grey: self._match(target, grey), grey, half)
        matches = self._rematcher.poll(half)
        if matches is not None:
            before = tracked.sum()
            pixels, tracked = self._merge(grey, half, pixels, tracked, *matches)
            self._schedule.matched(before, tracked.sum())
        self._remember(half, pixels, tracked)
        current = self.camera.normalize(np.where(tracked[:, None], pixels, self._target.anchors))
        return Correspondence(self.desired, current, tracked)

    def close(self):
        """Stop the worker thread."""
        self._rematcher.close()

    def _track(self, grey, half):
        """Follow the keypoints from the last frame and align them."""
        pixels, seeded = self._pixels.copy(), np.zeros_like(self._tracked)
        if not self._tracked.any():
            return pixels, seeded
        last = self._pixels[self._tracked]
        straight_on = last + self._velocity[self._tracked]
        moved, found = follow(self._half, half, last, straight_on)
        if found.sum() < MIN_VERIFIABLE:
            return pixels, seeded
        pixels[self._tracked], seeded[self._tracked] = moved, found
        # The maps of the last frame come from aligned keypoints, finer than flow could give them.
        change = local_affine.fit_global(last[found], moved[found])
        affine = change[:, :2] @ self._affine
        expected = self._expected @ change[:, :2].T + change[:, 2]
        guess = np.where(seeded[:, None], pixels, expected)
        rough = ~seeded
        rough[self._tracked] |= np.linalg.norm(moved - straight_on, axis=1) > _SURPRISE_PX
        return self._align(grey, half, guess, affine, np.ones_like(seeded), rough)

    def _merge(self, grey, half, pixels, tracked, desired, current):
        """Add the keypoints that a finished matching brings back."""
        if len(desired) < MIN_VERIFIABLE:
            return pixels, tracked
        affine, expected = self._target.carry(desired, current)
        astray = np.linalg.norm(pixels - expected, axis=1)[tracked] > _ASTRAY_PX
        if 0.5 * len(astray) < astray.sum() < len(desired):
            tracked = np.zeros_like(tracked)
        lost = ~tracked
        found, ok = self._align(grey, half, expected, affine, lost, lost)
        return np.where(ok[:, None], found, pixels), tracked | ok

    def _align(self, grey, half, guess, affine, attempt, rough):
        pixels, ok = self._target.align(grey, half, guess, affine, attempt, rough)
        if self._verify:
            k = np.flatnonzero(ok)
            ok[k] = self._agree(self._target.anchors[k], pixels[k])
        return pixels, ok

    def _agree(self, desired, current):
        """(M,) bool: which pixel pairs agree on one rigid motion."""
        normalize = self.camera.normalize
        return verify(normalize(desired), normalize(current), TOLERANCE_PX / self.camera.focal)

    def _detect(self, grey):
        # OpenCV's detectors are not safe in two threads at once.
        with self._detecting:
            return self._backend.detect(grey, self._mask)

    def _match(self, target, grey):
        """(M, 2) desired and (M, 2) current pixels of matched features."""
        found = self._detect(grey)
        i, j = match(target.features, found, self._backend.norm)
        desired, current = target.features.pixels[i], found.pixels[j]
        true = self._agree(desired, current)
        return desired[true], current[true]

    def _remember(self, half, pixels, tracked):
        both = tracked & self._tracked
        self._velocity = np.where(both[:, None], pixels - self._pixels, 0.0)
        self._half, self._pixels, self._tracked = half, pixels, tracked
        if tracked.sum() >= MIN_VERIFIABLE:
            self._affine, self._expected = self._target.carry(
                self._target.anchors[tracked], pixels[tracked]
            )
