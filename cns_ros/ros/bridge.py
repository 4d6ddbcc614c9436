"""ROS's own conversion of images, cv_bridge, where a working one is installed."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from importlib import import_module

import numpy as np
from sensor_msgs.msg import Image

Convert = Callable[[Image], "np.ndarray | None"]
"""Turns an Image message without padding into BGR; None for an encoding it does not know."""


def cv_bridge_conversion() -> Convert | None:
    """``cv_bridge``'s conversion to BGR, or None where it is missing or does not work.

    Versions for ROS 1, or built against another NumPy, can be imported and yet convert nothing:
    it is taken only if it converts an image.
    """
    try:
        bridge = import_module("cv_bridge").CvBridge()
    except Exception:  # whatever a broken build raises when it is loaded
        return None

    def convert(message: Image) -> np.ndarray | None:
        try:
            image = bridge.imgmsg_to_cv2(message, "bgr8")
        except Exception:  # it knows fewer encodings; its error is a class of its own
            return None
        expected = (message.height, message.width, 3)
        return image if image.dtype == np.uint8 and image.shape == expected else None

    return convert if _works(convert) else None


def _works(convert: Convert) -> bool:
    """Whether it swaps the colours of two pixels."""
    image = Image(height=1, width=2, encoding="rgb8", step=6, data=array("B", range(6)))
    found = convert(image)
    return found is not None and found.tolist() == [[[2, 1, 0], [5, 4, 3]]]


CV_BRIDGE = cv_bridge_conversion()
"""What this installation has."""
