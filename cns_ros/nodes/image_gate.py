"""Which images of a camera are worth looking at: those that are newer than the last and not it."""

from __future__ import annotations

from sensor_msgs.msg import Image

from cns_ros.ros.clock import seconds

_REORDERED_S = 1.0


class ImageGate:
    """Lets newer images through, and notices when the camera repeats one.

    Args:
        frozen_images: repetitions that mean a frozen camera; 0 for no limit.

    Attributes:
        repetitions: how many images in a row were the last one let through, bit for bit.
    """

    def __init__(self, frozen_images: int) -> None:
        self.repetitions = 0
        self._frozen_images = frozen_images
        self._last: Image | None = None
        self._last_stamp_s: float | None = None

    def admit(self, message: Image) -> bool:
        """Whether to look at an image.

        Raises:
            ValueError: if the camera is frozen.
        """
        if self._is_late(message):
            return False
        same = self._last is not None and message.data == self._last.data
        self.repetitions = self.repetitions + 1 if same else 0
        if self._frozen_images and self.repetitions >= self._frozen_images:
            # No two real images are the same, even of a scene at rest.
            raise ValueError(f"frozen camera: {self.repetitions} images repeat one, bit for bit")
        self._last = message
        return True

    def _is_late(self, message: Image) -> bool:
        """Whether this or a newer image came before; a clock set back further starts anew."""
        stamp_s, last_s = seconds(message.header.stamp), self._last_stamp_s
        self._last_stamp_s = stamp_s
        if last_s is not None and 0.0 <= last_s - stamp_s < _REORDERED_S:
            self._last_stamp_s = last_s
            return True
        return False
