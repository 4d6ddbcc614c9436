"""Cameras by name; docs/camera.md says where their numbers come from."""

from __future__ import annotations

from cns_core.twin.camera.model import CameraModel, without

MACHINE_VISION = CameraModel(
    exposure_s=0.005,
    gain=1.5,
    motion_blur=True,
    noise=True,
    white_e_per_s=2.7e6,
    full_well_e=2.1e4,
    read_noise_e=4.0,
    adc_bits=12,
    gamma=1.0,
    vignetting=0.3,
    distortion=(-0.1, 0.08, 5e-4, -5e-4, 0.0),
    focal_error=5e-4,
    principal_error_px=0.5,
    k1_error=0.002,
    aperture_mm=1.3,
    focus_m=0.45,
    lens_blur_px=0.4,
    bayer=True,
    gloss=0.3,
    arm_shadow=0.4,
    tool=True,
)
"""A global shutter with 6.9 um pixels (Sony IMX287), a 3.7 mm lens at f/2.8, a lamp; all manual."""

WEBCAM = CameraModel(
    readout_s=0.03,
    exposure_s=0.01,
    auto_exposure=True,
    max_exposure_s=0.02,
    max_gain=8.0,
    motion_blur=True,
    noise=True,
    white_e_per_s=7e5,
    full_well_e=8e3,
    read_noise_e=3.5,
    adc_bits=10,
    gamma=2.2,
    vignetting=0.4,
    distortion=(0.05, -0.12, 1e-3, -1e-3, 0.0),
    focal_error=3e-3,
    principal_error_px=2.0,
    k1_error=0.01,
    aperture_mm=1.35,
    focus_m=0.8,
    lens_blur_px=0.6,
    bayer=True,
    jpeg_quality=80,
    gloss=0.3,
    arm_shadow=0.5,
    tool=True,
)
"""A USB camera with a rolling shutter, 3 um pixels binned by two, fixed focus, office light."""

IDEAL = "ideal"
"""The camera without a model: a pinhole with Gaussian noise."""

MODELS = {"machine-vision": MACHINE_VISION, "webcam": WEBCAM}
PRESETS = (IDEAL, *MODELS)
_LESS = "-less-"


def camera_model(name: str) -> CameraModel | None:
    """The model of a preset, None for the ideal camera.

    Args:
        name: one of ``PRESETS``, or one less some of :data:`.EFFECTS`: ``webcam-less-jpeg``,
            ``webcam-less-jpeg-less-tool``.

    Raises:
        ValueError: for an unknown preset or effect.
    """
    preset, *left_out = name.split(_LESS)
    if preset == IDEAL and not left_out:
        return None
    if preset not in MODELS:
        raise ValueError(f"camera must be one of {list(PRESETS)}, got {name!r}")
    return without(MODELS[preset], *left_out)
