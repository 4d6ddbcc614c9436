"""What is done to a photograph between the desired image and the current one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class PhotoCondition:
    """One change of view, light and image quality.

    Args:
        tilt_deg: between the photograph's normal and the optical axis, to a side the seed draws.
        turn_deg: about the optical axis.
        jpeg: quality with which the image is compressed, 0 for not at all.
        defocus_px: radius of the disc that a point becomes.
        motion_px: length of the line that a point becomes.
        light: factor on the brightness.
        gamma: exponent of the brightness.
        noise_std: of the sensor, grey levels.
    """

    tilt_deg: float = 0.0
    turn_deg: float = 0.0
    jpeg: int = 0
    defocus_px: float = 0.0
    motion_px: int = 0
    light: float = 1.0
    gamma: float = 1.0
    noise_std: float = 2.0

    def expose(self, view: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The (H, W, 3) uint8 image that the camera makes of a sharp ``view``."""
        image: np.ndarray = view.astype(np.float32)
        if self.defocus_px:
            image = cv2.filter2D(image, -1, _disc(self.defocus_px))
        if self.motion_px:
            image = cv2.filter2D(image, -1, _line(self.motion_px, rng.uniform(0.0, 180.0)))
        image = 255.0 * (self.light * image / 255.0).clip(0.0, 1.0) ** self.gamma
        image = image + rng.normal(0.0, self.noise_std, image.shape)
        exposed = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        if self.jpeg:
            data = cv2.imencode(".jpg", exposed, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1]
            exposed = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return exposed


_NEAR = PhotoCondition(tilt_deg=12.0, turn_deg=8.0)
"""From where the changes of light and quality are seen: near the goal, but not at it."""
CONDITIONS = {
    "near": _NEAR,
    **{f"tilt {tilt:.0f}": PhotoCondition(tilt_deg=tilt) for tilt in (30.0, 45.0, 55.0, 65.0)},
    **{f"turn {turn:.0f}": PhotoCondition(turn_deg=turn) for turn in (45.0, 90.0, 135.0, 180.0)},
    "tilt 45, turn 135": PhotoCondition(tilt_deg=45.0, turn_deg=135.0),
    "tilt 55, turn 90": PhotoCondition(tilt_deg=55.0, turn_deg=90.0),
    **{f"JPEG {quality}": replace(_NEAR, jpeg=quality) for quality in (80, 30, 10, 5)},
    **{f"defocus {r:.0f} px": replace(_NEAR, defocus_px=r) for r in (2.0, 4.0, 6.0)},
    **{f"motion {length} px": replace(_NEAR, motion_px=length) for length in (9, 21)},
    **{f"light x{light:g}": replace(_NEAR, light=light) for light in (0.1, 0.25, 2.0, 3.0)},
    "gamma 2.2": replace(_NEAR, gamma=2.2),
    "noise 15": replace(_NEAR, noise_std=15.0),
}
STEREO_CONDITIONS = {
    "stereo": PhotoCondition(),
    "stereo, turn 90": PhotoCondition(turn_deg=90.0),
    "stereo, JPEG 10": PhotoCondition(jpeg=10),
    "stereo, defocus 4 px": PhotoCondition(defocus_px=4.0),
    "stereo, light x0.25": PhotoCondition(light=0.25),
}
"""Of the real 3-D pair, whose view changes by itself."""


def _disc(radius: float) -> np.ndarray:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return kernel / kernel.sum()


def _line(length: int, angle_deg: float) -> np.ndarray:
    kernel: np.ndarray = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0
    middle = (0.5 * (length - 1),) * 2
    kernel = cv2.warpAffine(
        kernel, cv2.getRotationMatrix2D(middle, angle_deg, 1.0), (length, length)
    )
    return kernel / kernel.sum()
