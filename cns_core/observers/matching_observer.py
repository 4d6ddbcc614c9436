"""Plain observer: detect and match every image against the desired one."""

import cv2
import numpy as np

from cns_core.correspondence import Correspondence
from cns_core.observers.features import spread
from cns_core.observers.matching import match
from cns_core.observers.verification import verify

TOLERANCE_PX = 2.0


def to_grey(image):
    """Grey uint8 copy or view of a grey or BGR image."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def as_mask(mask, camera):
    """Check a mask of scene pixels and return it as OpenCV wants it (uint8, 255 where valid)."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != (camera.height, camera.width):
        raise ValueError(f"mask must be {(camera.height, camera.width)}, got {mask.shape}")
    return np.where(mask, 255, 0).astype(np.uint8)


class MatchingObserver:
    """Matches every image against the desired image, with no memory of the image before.

    Args:
        backend: :class:`Sift`, :class:`Akaze` or :class:`Orb`.
        camera: the :class:`PinholeCamera` of both images.
        verify: whether matches must agree on one rigid motion.
        max_keypoints: most keypoints taken from the desired image.
        min_keypoints: fewest with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear (zero on a gripper, say), or None.
    """

    def __init__(self, backend, camera, *, verify, max_keypoints, min_keypoints, mask=None):
        self.camera = camera
        self.desired = None
        self._backend = backend
        self._verify = verify
        self._max_keypoints = max_keypoints
        self._min_keypoints = min_keypoints
        self._mask = as_mask(mask, camera)
        self._features = None

    def set_desired(self, image):
        """Take (H, W[, 3]) uint8 ``image`` as the goal.

        Raises:
            ValueError: if the image is not of the camera's size or shows too little texture; the
                previous goal then stays.
        """
        self.camera.check_image(image)
        found = self._backend.detect(to_grey(image), self._mask)
        features = found.take(spread(found.pixels, found.response, self._max_keypoints))
        if len(features) < self._min_keypoints:
            raise ValueError(
                f"desired image shows {len(features)} keypoints, at least {self._min_keypoints} "
                "are needed: it is blank, blurred or lacks texture"
            )
        self._features = features
        self.desired = self.camera.normalize(features.pixels)

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
        found = self._backend.detect(to_grey(image), self._mask)
        i, j = match(self._features, found, self._backend.norm)
        positions = self.camera.normalize(found.pixels[j])
        if self._verify:
            tolerance = TOLERANCE_PX / self.camera.focal
            true = verify(self.desired[i], positions, tolerance)
            i, positions = i[true], positions[true]
        current, matched = np.zeros_like(self.desired), np.zeros(len(self.desired), bool)
        current[i], matched[i] = positions, True
        return Correspondence(self.desired, current, matched)

    def close(self):
        """Nothing to release: plain matching holds no worker."""
