"""Observer that matches seldom, follows in between and aligns to the desired image."""

import numpy as np
from scipy.spatial import cKDTree

from cns_core.correspondence import Correspondence
from cns_core.observers import local_affine
from cns_core.observers.alignment import PatchAligner
from cns_core.observers.corners import find_corners
from cns_core.observers.flow import follow, shrink, to_full, to_half
from cns_core.observers.matching import match
from cns_core.observers.matching_observer import TOLERANCE_PX, as_mask, to_grey
from cns_core.observers.rematch import MatchingSchedule, Rematcher
from cns_core.observers.template import Template
from cns_core.observers.verification import MIN_VERIFIABLE, verify

RADIUS = 6
_NEIGHBOURS = 10
_MATCH_NEIGHBOURS = 8
_LEAST_SIMILAR = 0.8
_LARGEST_SHIFT_PX = 3.0
_SETTLED_PX = 0.3
_LEAST_SUPPORT = 2.5
_ASTRAY_PX = 20.0


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
        features = self._backend.detect(grey, self._mask)
        anchors = find_corners(grey, RADIUS, self._max_keypoints, self._mask)
        fewest = min(len(features), len(anchors))
        if fewest < self._min_keypoints:
            raise ValueError(
                f"desired image shows {fewest} keypoints, at least {self._min_keypoints} "
                "are needed: it is blank, blurred or lacks texture"
            )
        self._features, self._anchors = features, anchors
        self.desired = self.camera.normalize(anchors)
        self._neighbours = cKDTree(anchors).query(anchors, min(_NEIGHBOURS, len(anchors)))[1]
        self._fine = PatchAligner(Template(grey), RADIUS)
        self._rough = PatchAligner(Template(shrink(grey)), RADIUS)
        self._forget()

    def _forget(self):
        self._rematcher.forget()
        self._pixels = np.zeros_like(self._anchors)
        self._velocity = np.zeros_like(self._anchors)
        self._tracked = np.zeros(len(self._anchors), bool)
        self._global = np.eye(2, 3)
        self._schedule = MatchingSchedule()
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
        grey = to_grey(image)
        half = shrink(grey)
        pixels, tracked = self._track(grey, half)
        if self._schedule.due(tracked.sum(), self._in_view()) and not self._rematcher.busy:
            self._rematcher.submit(self._match, grey, half)
        matches = self._rematcher.poll(half)
        if matches is not None:
            before = tracked.sum()
            pixels, tracked = self._merge(grey, half, pixels, tracked, *matches)
            self._schedule.matched(before, tracked.sum())
        self._remember(half, pixels, tracked)
        current = self.camera.normalize(np.where(tracked[:, None], pixels, self._anchors))
        return Correspondence(self.desired, current, tracked)

    def close(self):
        """Stop the worker thread."""
        self._rematcher.close()

    def _track(self, grey, half):
        """Follow the keypoints from the last frame and align them."""
        pixels, seeded = self._pixels.copy(), np.zeros(len(self._anchors), bool)
        if not self._tracked.any():
            return pixels, seeded
        last = self._pixels[self._tracked]
        moved, found = follow(self._half, half, last, last + self._velocity[self._tracked])
        pixels[self._tracked], seeded[self._tracked] = moved, found
        index = self._neighbours
        affine, expected, support = local_affine.fit(
            self._anchors, self._anchors[index], pixels[index], seeded[index], self._global[:, :2]
        )
        guess = np.where(seeded[:, None], pixels, expected)
        attempt = seeded | (support > _LEAST_SUPPORT)
        return self._align(grey, half, guess, affine, attempt, attempt & ~seeded)

    def _merge(self, grey, half, pixels, tracked, desired, current):
        """Add the keypoints that a finished matching brings back."""
        if len(desired) < MIN_VERIFIABLE:
            return pixels, tracked
        prior = local_affine.fit_global(desired, current)[:, :2]
        index = cKDTree(desired).query(self._anchors, min(_MATCH_NEIGHBOURS, len(desired)))[1]
        affine, expected, _ = local_affine.fit(
            self._anchors, desired[index], current[index], np.ones(index.shape), prior
        )
        astray = np.linalg.norm(pixels - expected, axis=1)[tracked] > _ASTRAY_PX
        if 0.5 * len(astray) < astray.sum() < len(desired):
            tracked = np.zeros_like(tracked)
        lost = ~tracked
        found, ok = self._align(grey, half, expected, affine, lost, lost)
        return np.where(ok[:, None], found, pixels), tracked | ok

    def _align(self, grey, half, guess, affine, attempt, rough):
        """Align ``attempt``-ed keypoints, first at half size those only ``rough``-ly known."""
        pixels, ok = guess.copy(), self._inside(guess) & attempt & _invertible(affine)
        k = np.flatnonzero(ok & rough)
        if len(k):
            found = self._rough.align(
                half, to_half(self._anchors[k]), affine[k], to_half(guess[k]), steps=3
            )
            pixels[k] = to_full(found.pixels)
            ok[k] &= found.similarity > _LEAST_SIMILAR - 0.2
            ok &= self._inside(pixels)
        k = np.flatnonzero(ok)
        if len(k):
            found = self._fine.align(grey, self._anchors[k], affine[k], pixels[k])
            shift = np.linalg.norm(found.pixels - pixels[k], axis=1)
            pixels[k] = found.pixels
            ok[k] = (
                (found.similarity > _LEAST_SIMILAR)
                & (shift < _LARGEST_SHIFT_PX)
                & (found.step_px < _SETTLED_PX)
            )
        if self._verify:
            k = np.flatnonzero(ok)
            tolerance = TOLERANCE_PX / self.camera.focal
            ok[k] = verify(self.desired[k], self.camera.normalize(pixels[k]), tolerance)
        return pixels, ok

    def _inside(self, pixels):
        margin = 2 * RADIUS + 4
        upper = (self.camera.width - 1 - margin, self.camera.height - 1 - margin)
        return ((pixels > margin) & (pixels < upper)).all(axis=1)

    def _in_view(self):
        """How many keypoints the image should show."""
        expected = self._anchors @ self._global[:, :2].T + self._global[:, 2]
        return self._inside(expected).sum()

    def _match(self, grey):
        """(M, 2) desired and (M, 2) current pixels of matched features."""
        found = self._backend.detect(grey, self._mask)
        i, j = match(self._features, found, self._backend.norm)
        desired, current = self._features.pixels[i], found.pixels[j]
        normalize = self.camera.normalize
        true = verify(normalize(desired), normalize(current), TOLERANCE_PX / self.camera.focal)
        return desired[true], current[true]

    def _remember(self, half, pixels, tracked):
        both = tracked & self._tracked
        self._velocity = np.where(both[:, None], pixels - self._pixels, 0.0)
        self._half, self._pixels, self._tracked = half, pixels, tracked
        if tracked.sum() >= 4:
            self._global = local_affine.fit_global(self._anchors[tracked], pixels[tracked])


def _invertible(affine):
    return np.abs(np.linalg.det(affine)) > 0.02
