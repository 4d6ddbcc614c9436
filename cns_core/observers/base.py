"""What the observers of this package share: their settings, checks, and when matches agree."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers.features import Backend
from cns_core.observers.observer import Observer
from cns_core.observers.verification import MIN_VERIFIABLE, TOLERANCE_PX, verify


@dataclass(frozen=True, eq=False)
class ObserverSettings:
    """What an observer takes for a keypoint and for a match.

    Args:
        verify: whether matches must agree on one rigid motion of the camera.
        max_keypoints: most keypoints taken from the desired image.
        min_keypoints: fewest with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear (zero on a gripper, say), or None.

    Raises:
        ValueError: unless 4 <= min_keypoints <= max_keypoints.
    """

    verify: bool = True
    max_keypoints: int = 512
    min_keypoints: int = 12
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not MIN_VERIFIABLE <= self.min_keypoints <= self.max_keypoints:
            raise ValueError(
                f"need {MIN_VERIFIABLE} <= min_keypoints <= max_keypoints, "
                f"got min_keypoints={self.min_keypoints}, max_keypoints={self.max_keypoints}"
            )


class FeatureObserver(Observer):
    """An observer that recognizes the desired image by the features of a backend.

    Attributes:
        camera: the :class:`PinholeCamera` of all images.
        desired: see :class:`~cns_core.observers.observer.Observer`.

    Args:
        backend: :class:`Sift`, :class:`Akaze` or :class:`Orb`.
        camera: the :class:`PinholeCamera` of all images.
        settings: the :class:`ObserverSettings`, None for the defaults.

    Raises:
        ValueError: if the mask is not of the camera's size.
    """

    def __init__(
        self, backend: Backend, camera: PinholeCamera, settings: ObserverSettings | None = None
    ) -> None:
        settings = settings or ObserverSettings()
        self.camera = camera
        self.desired: np.ndarray | None = None
        self._backend = backend
        self._settings = settings
        self._mask = _as_mask(settings.mask, camera)

    def set_desired(self, image: np.ndarray) -> None:
        self.camera.check_image(image)
        self.desired = self.camera.normalize(self._take(_to_grey(image)))

    def observe(self, image: np.ndarray) -> Correspondence:
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self.camera.check_image(image)
        pixels, matched = self._find(_to_grey(image))
        return Correspondence(self.desired, self.camera.normalize(pixels), matched)

    def _take(self, grey: np.ndarray) -> np.ndarray:
        """Make a grey image the goal; return (N, 2) pixels of its keypoints or raise ValueError."""
        raise NotImplementedError

    def _find(self, grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 2) finite pixels of the keypoints in a grey image, (N,) bool which of them hold."""
        raise NotImplementedError

    def _refuse_below_minimum(self, count: int) -> None:
        if count < self._settings.min_keypoints:
            raise ValueError(
                f"desired image shows {count} keypoints, at least {self._settings.min_keypoints} "
                "are needed: it is blank, blurred or lacks texture"
            )

    def _agree(self, desired: np.ndarray, current: np.ndarray) -> np.ndarray:
        """(M,) bool: which pairs of pixels can be trusted; all of them without verification."""
        if not self._settings.verify:
            return np.ones(len(desired), bool)
        tolerance = TOLERANCE_PX / self.camera.focal
        return verify(self.camera.normalize(desired), self.camera.normalize(current), tolerance)


def _to_grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _as_mask(mask: np.ndarray | None, camera: PinholeCamera) -> np.ndarray | None:
    """Check a mask of scene pixels and return it as OpenCV wants it (uint8, 255 where valid)."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != (camera.height, camera.width):
        raise ValueError(f"mask must be {(camera.height, camera.width)}, got {mask.shape}")
    return np.where(mask, 255, 0).astype(np.uint8)
