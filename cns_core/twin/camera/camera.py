"""A camera like real ones: from a scene and a motion to an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.camera.calibration import calibrated, true_lens
from cns_core.twin.camera.exposure import AutoExposure, Exposure
from cns_core.twin.camera.lighting import Lighting
from cns_core.twin.camera.model import CameraModel
from cns_core.twin.camera.mosaic import compressed, demosaic, mosaic
from cns_core.twin.camera.motion import ImageMotion
from cns_core.twin.camera.optics import blur_px, blurred, vignette
from cns_core.twin.camera.photons import PhotonNoise, convert
from cns_core.twin.camera.response import encode, light_of
from cns_core.twin.world.render import Surfaces
from cns_core.twin.world.scene import Rendered
from cns_core.twin.world.solid import Solid
from cns_core.twin.world.tool_in_view import ToolInView

_SETTLING_FRAMES = 40
_METERED = np.s_[::3, ::3]
"""Pixels by which the exposure goes: of all colours of a mosaic."""


@dataclass(frozen=True)
class Shot:
    """One image.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        inverse_depth: (H, W) float32 in 1/m at the middle of the readout, 0 for nothing.
        exposure: how it was taken.
    """

    image: NDArray[np.uint8]
    inverse_depth: NDArray[np.float32]
    exposure: Exposure


class RealCamera:
    """Takes images as a :class:`.CameraModel` has them; seeded, so that a run repeats.

    Images are stamped as drivers do, when the first row is read: what they show is half the
    readout later, less half the exposure (:meth:`delay_s`).

    Args:
        model: what it does.
        nominal: its size and its intrinsics; the model says how its lens distorts.
        seed: of noise, calibration, light, and tool.

    Attributes:
        lens: true :class:`PinholeCamera` of the images.
        told: the one that a calibration has told.
    """

    def __init__(self, model: CameraModel, nominal: PinholeCamera, seed: int) -> None:
        self.model = model
        self.lens = true_lens(nominal, model)
        self.told = calibrated(self.lens, model, seed)
        self._exposure = AutoExposure(model)
        self._noise = PhotonNoise(model.read_noise_e, seed) if model.noise else None
        self._motion = ImageMotion(self.lens)
        self._lighting = Lighting(self.lens, seed, model.gloss, model.arm_shadow)
        self._vignette = vignette(self.lens, model.vignetting)
        self._tool = _Tool(ToolInView(nominal.width, nominal.height, seed)) if model.tool else None

    @property
    def delay_s(self) -> float:
        """From the stamp of the next image to the middle of what it shows."""
        return 0.5 * (self.model.readout_s - self._exposure.now.time_s)

    def settle(
        self, scene: Rendered, T_sc: NDArray[np.float64], extra: Iterable[Solid] = ()
    ) -> None:
        """Let the exposure settle on a view, as it does while a camera rests there."""
        if not self.model.auto_exposure:
            return
        self._lighting.mirror(scene.textures)
        seen = scene.surfaces(T_sc, self.lens, extra)
        a_second = self._collected(seen, T_sc, np.zeros(6), 1.0)[_METERED]
        for _ in range(_SETTLING_FRAMES):
            exposure = self._exposure.now
            self._meter(self._convert(a_second * np.float32(exposure.time_s), exposure))

    def shoot(
        self,
        scene: Rendered,
        T_sc: NDArray[np.float64],
        twist: NDArray[np.float64],
        light: float = 1.0,
        extra: Iterable[Solid] = (),
    ) -> Shot:
        """Take an image.

        Args:
            scene: what there is to see.
            T_sc: (4, 4) pose of the camera in the scene's frame at the image's stamp.
            twist: (6,) at which it moves, in its own frame, m/s and rad/s.
            light: factor on all light.
            extra: further solids.
        """
        self._lighting.mirror(scene.textures)
        T_mid = T_sc @ se3.exp(twist * self.delay_s)
        return self._develop(scene.surfaces(T_mid, self.lens, extra), T_mid, twist, light)

    def _develop(
        self,
        seen: Surfaces,
        T_sc: NDArray[np.float64],
        twist: NDArray[np.float64],
        light: float,
    ) -> Shot:
        """From what is seen at the middle of the readout to the image."""
        exposure, model = self._exposure.now, self.model
        electrons = self._collected(seen, T_sc, twist, light * exposure.time_s)
        if self._noise is not None:
            electrons = self._noise.count(electrons)
        numbers = self._convert(electrons, exposure)
        self._meter(numbers[_METERED])
        image = encode(numbers, model.adc_bits, model.gamma)
        if model.bayer:
            image = demosaic(image)
        if model.jpeg_quality:
            image = compressed(image, model.jpeg_quality)
        return Shot(image, seen.inverse_depth, exposure)

    def _convert(self, electrons: NDArray[np.float32], exposure: Exposure) -> NDArray[np.uint16]:
        model = self.model
        return convert(electrons, model.full_well_e, exposure.gain, model.adc_bits)

    def _meter(self, numbers: NDArray[np.uint16]) -> None:
        self._exposure.measured(float(numbers.mean()) / (2**self.model.adc_bits - 1))

    def _collected(
        self,
        seen: Surfaces,
        T_sc: NDArray[np.float64],
        twist: NDArray[np.float64],
        exposed_s: float,
    ) -> NDArray[np.float32]:
        """Electrons to be expected in every pixel: (H, W), or (H, W, 3) without a mosaic."""
        model = self.model
        light = light_of(seen.image)
        blur_s = self._exposure.now.time_s if model.motion_blur else 0.0
        if (model.readout_s or blur_s) and twist.any():
            velocity = self._motion.velocity(twist, seen.inverse_depth)
            light = self._motion.seen(light, velocity, model.readout_s, blur_s)
        if self._tool is not None:
            light = self._tool.before(light)
        light = blurred(light, self._disc_px(seen.inverse_depth), model.lens_blur_px)
        if model.bayer:
            light = mosaic(light)
        return self._lit(light, seen, T_sc, model.white_e_per_s * exposed_s)

    def _disc_px(self, inverse_depth: NDArray[np.float32]) -> float:
        """Defocus of the middle distance: one for the whole image, as its depths are alike."""
        middle = float(np.median(inverse_depth[::8, ::8]))
        if middle <= 0.0 or not self.model.aperture_mm:
            return 0.0
        return blur_px(1.0 / middle, self.lens.focal, self.model.aperture_mm, self.model.focus_m)

    def _lit(
        self,
        light: NDArray[np.float32],
        seen: Surfaces,
        T_sc: NDArray[np.float64],
        white_e: float,
    ) -> NDArray[np.float32]:
        """Light times what each pixel gets of it, plus highlights."""
        shade = self._lighting.shade(seen, T_sc)
        mirrored = self._lighting.highlights(seen, T_sc)
        if self._tool is not None:
            # The tool hangs beside the arm, before everything.
            shade = None if shade is None else self._tool.lit(shade)
            mirrored = None if mirrored is None else mirrored * self._tool.clear
        factor = self._vignette * np.float32(white_e)
        lit = factor if shade is None else cv2.multiply(factor, shade)
        extra = None if mirrored is None else mirrored * lit
        if light.ndim == 3:
            lit = lit[:, :, None]
            extra = None if extra is None else extra[:, :, None]
        electrons = light * lit
        return electrons if extra is None else electrons + extra


class _Tool:
    """A tool before the light of a scene."""

    def __init__(self, tool: ToolInView) -> None:
        rows = np.flatnonzero(tool.cover.any(axis=1))
        self._at = slice(int(rows[0]), int(rows[-1]) + 1)
        cover = tool.cover[self._at, :, None]
        self.clear = 1.0 - tool.cover
        self._clear = np.ascontiguousarray(np.repeat(1.0 - cover, 3, axis=2))
        self._light = light_of(tool.picture[self._at]) * cover

    def lit(self, shade: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) share of the light where the scene is shaded and the tool is not."""
        return np.asarray(1.0 - (1.0 - shade) * self.clear, dtype=np.float32)

    def before(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W, 3) light with the tool before it."""
        mixed = light.copy()
        mixed[self._at] = light[self._at] * self._clear + self._light
        return mixed
