"""Draw docs/photo_loops.jpg, goals and starts on photographs: python docs/draw_photo_loops.py."""

from pathlib import Path

import cv2
import numpy as np

from cns_core.bench.loop.episode import build_environment
from cns_core.bench.loop.plan import Spec

VIEWS = (
    ("stereo", "M", 1001, "camera-webcam"),
    ("cards", "M", 1000, "none"),
    ("stereo", "S", 1001, "tool-pasted"),
)
TILE, QUALITY = (320, 240), 80


def pair(environment: str, section: str, index: int, perturbation: str) -> np.ndarray:
    """A goal above a start."""
    spec = Spec(environment, section, index, "cns", "sift-tracked", perturbation=perturbation)
    built = build_environment(spec)
    images = (built.desired_image, built.image())
    return np.vstack([cv2.resize(each, TILE, interpolation=cv2.INTER_AREA) for each in images])


def main() -> None:
    """Write the picture beside this file."""
    picture = np.hstack([pair(*view) for view in VIEWS])
    path = Path(__file__).with_name("photo_loops.jpg")
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
