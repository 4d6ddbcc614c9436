"""What the observers of this package share: their settings, checks, and when matches agree."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers.akaze import Akaze
from cns_core.observers.features import Backend, FoundKeypoints
from cns_core.observers.left_out import LeftOut
from cns_core.observers.light import Light
from cns_core.observers.observer import Observer
from cns_core.observers.self_similarity import HOPELESS, SELF_SIMILAR, self_similar_share
from cns_core.observers.verification import MIN_VERIFIABLE, TOLERANCE_PX, verify_scene


@dataclass(frozen=True, eq=False)
class ObserverSettings:
    """What an observer takes for a keypoint and for a match.

    Args:
        verify: whether matches must agree on one rigid motion of the camera.
        max_keypoints: most keypoints taken from the desired image.
        min_keypoints: fewest with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear (zero on a gripper, say), or None.
        smooth_px: see :class:`.DesiredPatches`; of observers that track.

    Raises:
        ValueError: unless smooth_px is finite and not negative and
            4 <= min_keypoints <= max_keypoints.
    """

    verify: bool = True
    max_keypoints: int = 512
    min_keypoints: int = 12
    mask: np.ndarray | None = None
    smooth_px: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.smooth_px) and self.smooth_px >= 0.0):
            raise ValueError(f"smooth_px must be finite and not negative, got {self.smooth_px!r}")
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
        self_similar: share of the desired image that looks the same elsewhere in it, see
            :func:`.self_similar_share`.

    Args:
        backend: :class:`Sift`, :class:`Akaze` or :class:`Orb`; goals that repeat themselves are
            recognized by AKAZE whatever it is.
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
        self.self_similar = 0.0
        self._light = Light(0.0, 0.0)
        self._backend = backend
        self._settings = settings
        self._mask = _as_mask(settings.mask, camera)
        self._pixels = np.zeros((0, 2))
        self._left_out: LeftOut | None = None

    def set_desired(self, image: np.ndarray) -> None:
        self.camera.check_image(image)
        grey = _to_grey(image)
        self_similar = self_similar_share(grey, self._mask)
        if self_similar >= HOPELESS:
            raise ValueError(
                f"desired image repeats itself: {100 * self_similar:.0f} % of its keypoints look "
                "the same elsewhere in it, and nothing tells views a period apart from each "
                "other; take one that shows something unique as well"
            )
        backend = Akaze() if self_similar >= SELF_SIMILAR else self._backend
        pixels = self._take(grey, backend)
        self.desired, self._pixels = self.camera.normalize(pixels), pixels
        self._left_out = None
        self.self_similar = self_similar
        self._light = Light.of(grey, self._mask)

    def recalibrate(self, camera: PinholeCamera) -> None:
        """Take ``camera`` for the images to come; the goal stays where it is.

        For a camera whose focus breathes: what took the desired image was the camera of then.

        Raises:
            ValueError: if its images are of another size.
        """
        if (camera.width, camera.height) != (self.camera.width, self.camera.height):
            raise ValueError(
                f"images must stay {self.camera.width}x{self.camera.height} pixels, "
                f"got {camera.width}x{camera.height}"
            )
        self.camera = camera

    def leave_out(self, keypoints: np.ndarray) -> None:
        self._left_out = None
        if np.any(keypoints):
            self._left_out = LeftOut(self._pixels, keypoints, self.camera.width)

    def observe(self, image: np.ndarray) -> Correspondence:
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self.camera.check_image(image)
        found = self._find(self._light.levelled(_to_grey(image), self._mask))
        current = self.camera.normalize(found.pixels)
        matched = found.matched & np.isfinite(current).all(axis=1)
        deviation = found.deviation_px / self.camera.focal
        return Correspondence(self.desired, current, matched, deviation)

    def _take(self, grey: np.ndarray, backend: Backend) -> np.ndarray:
        """Make a grey image the goal; return (N, 2) pixels of its keypoints or raise ValueError.

        Args:
            backend: finds it again.
        """
        raise NotImplementedError

    def _find(self, grey: np.ndarray) -> FoundKeypoints:
        """The keypoints in a grey image."""
        raise NotImplementedError

    def _refuse_below_minimum(self, count: int) -> None:
        if count < self._settings.min_keypoints:
            raise ValueError(
                f"desired image shows {count} keypoints, at least {self._settings.min_keypoints} "
                "are needed: it is blank, dark, blurred or lacks texture"
            )

    def _agree(self, desired: np.ndarray, current: np.ndarray) -> np.ndarray:
        """(M,) bool: which pairs of pixels can be trusted; without verification all of the scene's.

        What is left out has no vote on the others either: a tool is more than the scene, often.
        """
        agreed = np.ones(len(desired), dtype=bool)
        if self._left_out is not None:
            agreed = ~self._left_out.shows(desired)
        if self._settings.verify:
            tolerance = TOLERANCE_PX / self.camera.focal
            desired, current = self.camera.normalize(desired), self.camera.normalize(current)
            agreed &= np.isfinite(np.hstack([desired, current])).all(axis=1)
            agreed[agreed] = verify_scene(desired[agreed], current[agreed], tolerance)
        return agreed


def _to_grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _as_mask(mask: np.ndarray | None, camera: PinholeCamera) -> np.ndarray | None:
    """Check a mask of scene pixels and return it as OpenCV wants it (uint8, 255 where valid).

    Pixels without a place on the normalized plane show nothing that could be used.
    """
    invertible = camera.invertible()
    if mask is None:
        mask = invertible
    elif np.shape(mask) != (camera.height, camera.width):
        raise ValueError(
            f"mask must be {(camera.height, camera.width)} (rows and columns of the image), "
            f"got {np.shape(mask)}"
        )
    elif invertible is not None:
        mask = np.logical_and(mask, invertible)
    return None if mask is None else np.where(mask, 255, 0).astype(np.uint8)
