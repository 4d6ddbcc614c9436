"""What all observers share: the contract of their callers, and when matches agree."""

import cv2
import numpy as np

from cns_core.observers.verification import verify

_TOLERANCE_PX = 2.0


class Observer:
    """Finds the keypoints of a desired image in current ones.

    Attributes:
        camera: the :class:`PinholeCamera` of all images.
        desired: (N, 2) keypoints of the desired image, normalized plane; None before one is set.

    Args:
        backend: :class:`Sift`, :class:`Akaze` or :class:`Orb`.
        camera: the :class:`PinholeCamera` of all images.
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
        self._mask = _as_mask(mask, camera)

    def set_desired(self, image):
        """Take (H, W[, 3]) uint8 ``image`` as the goal.

        Raises:
            ValueError: if the image is not of the camera's size or shows too little texture; the
                previous goal then stays.
        """
        self.camera.check_image(image)
        self.desired = self.camera.normalize(self._take(_to_grey(image)))

    def observe(self, image):
        """Find the desired keypoints in (H, W[, 3]) uint8 ``image``.

        Returns:
            A :class:`~cns_core.geometry.correspondence.Correspondence` over all desired keypoints.

        Raises:
            RuntimeError: before :meth:`set_desired`.
            ValueError: if ``image`` is not of the camera's size.
        """
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self.camera.check_image(image)
        return self._find(_to_grey(image))

    def prepare(self):
        """Do what the next image needs and the answer to the last one did not.

        Called once that answer is on its way, it keeps this out of the time that an image takes;
        otherwise the next :meth:`observe` begins with it.
        """

    def close(self):
        """Stop background work, if there is any."""

    def _take(self, grey):
        """Make a grey image the goal; return (N, 2) pixels of its keypoints or raise ValueError."""
        raise NotImplementedError

    def _find(self, grey):
        """The :class:`Correspondence` of a grey image."""
        raise NotImplementedError

    def _refuse_below_minimum(self, count):
        if count < self._min_keypoints:
            raise ValueError(
                f"desired image shows {count} keypoints, at least {self._min_keypoints} "
                "are needed: it is blank, blurred or lacks texture"
            )

    def _agree(self, desired, current):
        """(M,) bool: which pairs of pixels can be trusted; all of them without verification."""
        if not self._verify:
            return np.ones(len(desired), bool)
        tolerance = _TOLERANCE_PX / self.camera.focal
        return verify(self.camera.normalize(desired), self.camera.normalize(current), tolerance)


def _to_grey(image):
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _as_mask(mask, camera):
    """Check a mask of scene pixels and return it as OpenCV wants it (uint8, 255 where valid)."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != (camera.height, camera.width):
        raise ValueError(f"mask must be {(camera.height, camera.width)}, got {mask.shape}")
    return np.where(mask, 255, 0).astype(np.uint8)
