"""Draw docs/camera.jpg: the twin's cameras, and each effect alone: python docs/draw_camera.py."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cns_core.geometry import se3
from cns_core.twin.camera.camera import RealCamera
from cns_core.twin.camera.model import CameraModel
from cns_core.twin.camera.presets import MACHINE_VISION, WEBCAM
from cns_core.twin.workcell import CAMERA
from cns_core.twin.world.scene import Scene

SEED = 8
POSE = se3.look_at((0.08, -0.12, 0.48), (0.0, 0.0, 0.02))
MOTION = np.array([0.25, 0.05, 0.0, 0.0, 0.1, 0.6])
PLAIN = CameraModel(white_e_per_s=2e6, full_well_e=1e4)
TILE, CLOSE = (320, 240), np.s_[180:300, 240:400]
TILES = {
    "machine-vision": (MACHINE_VISION, False, 1.0),
    "webcam": (WEBCAM, False, 1.0),
    "webcam, moving": (WEBCAM, True, 1.0),
    "rolling shutter, moving": (replace(PLAIN, readout_s=0.03), True, 1.0),
    "blur of 20 ms, moving": (
        replace(PLAIN, exposure_s=0.02, white_e_per_s=5e5, motion_blur=True),
        True,
        1.0,
    ),
    "vignetting, highlights, shadow": (
        replace(PLAIN, vignetting=0.4, gloss=0.6, arm_shadow=0.5),
        False,
        1.0,
    ),
    "light x0.05, gain 8": (WEBCAM, False, 0.05),
}
CLOSE_UPS = {
    "without effects (x2)": PLAIN,
    "defocus and lens (x2)": replace(PLAIN, aperture_mm=1.35, focus_m=0.8, lens_blur_px=0.6),
    "mosaic (x2)": replace(PLAIN, bayer=True),
    "JPEG 30 (x2)": replace(PLAIN, jpeg_quality=30),
}


def take(scene: Scene, model: CameraModel, moving: bool = False, light: float = 1.0) -> np.ndarray:
    """An image after the exposure has settled."""
    camera, twist = RealCamera(model, CAMERA, SEED), MOTION if moving else np.zeros(6)
    camera.settle(scene, POSE)
    frames = 30 if model.auto_exposure and light != 1.0 else 1
    return [camera.shoot(scene, POSE, twist, light).image for _ in range(frames)][-1]


def tile(image: np.ndarray, name: str) -> np.ndarray:
    """A small picture with its name."""
    small = cv2.resize(image, TILE, interpolation=cv2.INTER_AREA)
    cv2.rectangle(small, (0, 0), (9 * len(name) + 8, 20), (255, 255, 255), -1)
    cv2.putText(small, name, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (0, 0, 0), 1, cv2.LINE_AA)
    return small


def close_up(image: np.ndarray, name: str) -> np.ndarray:
    """The middle, twice as large."""
    return tile(cv2.resize(image[CLOSE], TILE, interpolation=cv2.INTER_NEAREST), name)


def main() -> None:
    """Write the picture beside this file."""
    scene = Scene(SEED)
    tiles = [tile(scene.render(POSE, CAMERA), "ideal")]
    tiles += [tile(take(scene, *given), name) for name, given in TILES.items()]
    tiles += [close_up(take(scene, model), name) for name, model in CLOSE_UPS.items()]
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles), 4)]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 82]
    cv2.imwrite(str(Path(__file__).with_name("camera.jpg")), np.vstack(rows), quality)


if __name__ == "__main__":
    main()
