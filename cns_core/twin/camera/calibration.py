"""What a calibration tells of a lens: nearly the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.camera.model import CameraModel


def true_lens(nominal: PinholeCamera, model: CameraModel) -> PinholeCamera:
    """The camera that takes the images."""
    return replace(nominal, distortion=model.distortion) if model.distortion else nominal


def calibrated(lens: PinholeCamera, model: CameraModel, seed: int) -> PinholeCamera:
    """The camera that ``camera_info`` tells of: ``lens`` with errors drawn by ``seed``."""
    focal, right, down, bend = np.random.default_rng([seed, 11]).normal(size=4)
    factor = 1.0 + model.focal_error * float(focal)
    distortion = lens.distortion
    if distortion and model.k1_error:
        distortion = (distortion[0] + model.k1_error * float(bend), *distortion[1:])
    return replace(
        lens,
        fx=lens.fx * factor,
        fy=lens.fy * factor,
        cx=lens.cx + model.principal_error_px * float(right),
        cy=lens.cy + model.principal_error_px * float(down),
        distortion=distortion,
    )
