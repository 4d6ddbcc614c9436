"""Which images of a camera are worth looking at: those that are newer than the last and not it."""

from __future__ import annotations

from sensor_msgs.msg import Image

from cns_core.stamp_watch import StampWatch
from cns_ros.ros.clock import seconds


class ImageGate:
    """Lets newer images through, and notices stamps that cannot be and a camera that repeats one.

    Args:
        frozen_images: repetitions that mean a frozen camera; 0 for no limit.

    Attributes:
        repetitions: how many images in a row were the last one let through, bit for bit.
        stamps: what the images' stamps are worth.
        refusal: why the newest image was not let through, empty if it was.
    """

    def __init__(self, frozen_images: int) -> None:
        self.repetitions = 0
        self.stamps = StampWatch()
        self.refusal = ""
        self._frozen_images = frozen_images
        self._last: Image | None = None

    def admit(self, message: Image, clock_s: float) -> bool:
        """Whether to look at an image that is at hand at ``clock_s``.

        Raises:
            ValueError: if the camera is frozen, or its stamps cannot be believed.
        """
        self.refusal = ""
        if not self.stamps.take(seconds(message.header.stamp), clock_s).usable:
            self.refusal = self.stamps.reason
            if doubt := self.stamps.doubt:
                raise self._refused(doubt)
            return False
        same = self._last is not None and message.data == self._last.data
        self.repetitions = self.repetitions + 1 if same else 0
        if self._frozen_images and self.repetitions >= self._frozen_images:
            # No two real images are the same, even of a scene at rest.
            raise self._refused(
                f"frozen camera: {self.repetitions} images in a row repeat one, bit for bit, which "
                "sensor noise rules out: restart the camera, or set frozen_images:=0 for a camera "
                "without noise"
            )
        self._last = message
        return True

    def _refused(self, reason: str) -> ValueError:
        self.refusal = reason
        return ValueError(reason)
