"""The one interface of all observers."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cns_core.geometry.correspondence import Correspondence


class Observer(Protocol):
    """Finds the keypoints of a desired image in current ones.

    :class:`~cns_core.servo.VisualServo` and the observer node rely on these members and no others.
    An observer of your own may derive from this class, which gives it a :meth:`leave_out`, a
    :meth:`prepare` and a :meth:`close` that do nothing.

    Attributes:
        desired: (N, 2) keypoints of the desired image, undistorted normalized plane; None before
            one is set. Neither their number nor their order changes until the next
            :meth:`set_desired`.
    """

    desired: np.ndarray | None

    def set_desired(self, image: np.ndarray) -> None:
        """Take (H, W[, 3]) uint8 ``image``, grey or BGR, as the goal and set :attr:`desired`.

        Raises:
            ValueError: if the image is not of the camera's size or shows too little texture; the
                previous goal then stays.
        """

    def observe(self, image: np.ndarray) -> Correspondence:
        """Find the desired keypoints in (H, W[, 3]) uint8 ``image``, grey or BGR.

        Returns:
            A correspondence whose ``desired`` is :attr:`desired`; ``current`` is (N, 2) in the same
            plane and ``matched`` (N,) tells which of its rows hold. Nothing found is an answer, not
            an error.

        Raises:
            RuntimeError: before :meth:`set_desired`.
            ValueError: if ``image`` is not of the camera's size.
        """

    def leave_out(self, keypoints: np.ndarray) -> None:
        """Take (N,) bool ``keypoints`` of :attr:`desired` for no part of the scene.

        They have been seen not to be the scene's. An observer that looks for the others alone,
        until it is told otherwise or :meth:`set_desired` is called, finds them where a tool has
        more to show than the scene. Need not be obeyed.
        """
        return

    def prepare(self) -> None:
        """Do what the next image needs and the answer to the last one did not.

        Called once that answer is on its way, it keeps this out of the time that an image takes;
        otherwise the next :meth:`observe` begins with it. Need not be called.
        """
        return

    def close(self) -> None:
        """Stop background work, if there is any; the observer is not used any more."""
        return
