"""The views of a board taken so far, and what they must have in common."""

from __future__ import annotations

from cns_core.calibration.hand_eye_calibration import View
from cns_core.geometry.camera import PinholeCamera


class BoardViews:
    """Views in the order they were taken; those of one camera only.

    Attributes:
        views: the views, their pixels those of ``camera``.
        camera: of the first view; None before it.
        frame: of all images, empty before the first.
    """

    def __init__(self) -> None:
        self.views: list[View] = []
        self.camera: PinholeCamera | None = None
        self.frame = ""

    def __len__(self) -> int:
        return len(self.views)

    def check(self, camera: PinholeCamera, frame: str) -> None:
        """Refuse an image that cannot be of the camera of the views before.

        Raises:
            ValueError: naming what differs.
        """
        if not frame:
            raise ValueError(
                "the image has no frame_id, which the hand-eye file names: set the frame in the "
                "camera driver's parameters"
            )
        if self.camera is None:
            return
        if frame != self.frame:
            raise ValueError(
                f"the image's frame is {frame!r}, but the views before are of {self.frame!r}"
            )
        size, before = (camera.width, camera.height), (self.camera.width, self.camera.height)
        if size != before:
            raise ValueError(f"images are {size} pixels now, but the views before are of {before}")

    def add(self, view: View, camera: PinholeCamera, frame: str) -> None:
        """Take a view.

        Raises:
            ValueError: as :meth:`check`.
        """
        self.check(camera, frame)
        if self.camera is None:
            self.camera, self.frame = camera, frame
        elif camera != self.camera:
            # A lens that refocuses has other intrinsics in every view.
            pixels = self.camera.denormalize(camera.normalize(view.pixels))
            view = View(view.T_base_flange, view.corners, pixels)
        self.views.append(view)

    def discard(self) -> None:
        """Take the last view back.

        Raises:
            ValueError: if there is none.
        """
        if not self.views:
            raise ValueError("there is no view to discard")
        self.views.pop()
        if not self.views:
            self.camera, self.frame = None, ""
