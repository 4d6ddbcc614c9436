"""What a camera does to the light of a scene, as numbers; docs/camera.md argues the presets'."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class CameraModel:
    """One camera, its light and what it is mounted on. The defaults are a camera without faults.

    Attributes:
        readout_s: from the reading of the first row to that of the last; 0 for a global shutter.
        exposure_s, gain: of every image, or with ``auto_exposure`` of the first ones.
        auto_exposure: whether exposure and gain follow the brightness, some frames late.
        max_exposure_s, max_gain: how far they follow.
        motion_blur: whether what moves during the exposure is blurred.
        noise: whether there is shot and read noise.
        white_e_per_s: electrons a second that a pixel collects from a white surface.
        full_well_e: electrons at which a pixel is full.
        read_noise_e: standard deviation of the read noise in electrons.
        adc_bits: of the converter.
        gamma: exponent by which grey levels are decoded to light; 1 for a linear camera.
        vignetting: share of the light that is missing in the corners.
        distortion: of the true lens, as OpenCV has it.
        focal_error: standard deviation of the calibrated focal length, as a share of it.
        principal_error_px, k1_error: the same of the principal point and of the first coefficient.
        aperture_mm: diameter of the entrance pupil; what is out of focus is blurred in proportion.
        focus_m: distance in focus.
        lens_blur_px: standard deviation of what the lens draws of a point, pixels.
        bayer: whether every pixel sees one colour and the others are interpolated.
        jpeg_quality: of OpenCV's encoder; 0 for images that are not compressed.
        gloss: share of the surfaces that mirror the lamp.
        arm_shadow: share of the light that the arm takes from where its shadow falls.
        tool: whether a gripper reaches into the images.
    """

    readout_s: float = 0.0
    exposure_s: float = 0.005
    gain: float = 1.0
    auto_exposure: bool = False
    max_exposure_s: float = 0.02
    max_gain: float = 1.0
    motion_blur: bool = False
    noise: bool = False
    white_e_per_s: float = 2e6
    full_well_e: float = 1e4
    read_noise_e: float = 0.0
    adc_bits: int = 12
    gamma: float = 2.2
    vignetting: float = 0.0
    distortion: tuple[float, ...] = ()
    focal_error: float = 0.0
    principal_error_px: float = 0.0
    k1_error: float = 0.0
    aperture_mm: float = 0.0
    focus_m: float = 0.5
    lens_blur_px: float = 0.0
    bayer: bool = False
    jpeg_quality: int = 0
    gloss: float = 0.0
    arm_shadow: float = 0.0
    tool: bool = False

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} must be finite and positive, got {value!r}")
        for name in _SHARES:
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise ValueError(f"{name} must be in [0, 1), got {value!r}")
        if not (0.0 <= self.readout_s <= _LONGEST_READOUT_S):
            raise ValueError(
                f"readout_s must be in [0, {_LONGEST_READOUT_S}] s, got {self.readout_s!r}"
            )
        if not 0 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality must be in [0, 100], got {self.jpeg_quality!r}")


_LONGEST_READOUT_S = 0.1
_POSITIVE = (
    *("exposure_s", "gain", "max_exposure_s", "max_gain", "white_e_per_s", "full_well_e"),
    *("adc_bits", "gamma", "focus_m"),
)
_SHARES = ("vignetting", "gloss", "arm_shadow")

_FAULTLESS = CameraModel()

EFFECTS: dict[str, tuple[str, ...]] = {
    "rolling-shutter": ("readout_s",),
    "motion-blur": ("motion_blur",),
    "auto-exposure": ("auto_exposure",),
    "noise": ("noise",),
    "vignetting": ("vignetting",),
    "distortion": ("distortion", "k1_error"),
    "calibration": ("focal_error", "principal_error_px", "k1_error"),
    "defocus": ("aperture_mm", "lens_blur_px"),
    "bayer": ("bayer",),
    "jpeg": ("jpeg_quality",),
    "highlights": ("gloss",),
    "shadow": ("arm_shadow",),
    "tool": ("tool",),
}
"""What makes up each effect, by the name by which it can be left out."""


def without(model: CameraModel, *effects: str) -> CameraModel:
    """The model less some of ``EFFECTS``.

    Raises:
        ValueError: for an unknown effect.
    """
    values = {field.name: getattr(model, field.name) for field in fields(model)}
    for effect in effects:
        if effect not in EFFECTS:
            raise ValueError(f"effect must be one of {sorted(EFFECTS)}, got {effect!r}")
        values |= {name: getattr(_FAULTLESS, name) for name in EFFECTS[effect]}
    return CameraModel(**values)
