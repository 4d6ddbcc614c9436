"""The twin's camera, ideal or like real ones: from the arm's state to an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.camera.camera import RealCamera
from cns_core.twin.camera.presets import camera_model
from cns_core.twin.robot.motion_log import ArmState
from cns_core.twin.workcell import CAMERA, Workcell
from cns_core.twin.world.sensor import ImageSensor
from cns_core.twin.world.tool_in_view import ToolInView
from cns_ros.sim.twin_settings import TwinSettings

View = tuple[np.ndarray, np.ndarray]
"""(H, W, 3) uint8 BGR image, and (H, W) float32 inverse depth in 1/m, 0 where nothing is."""


class IdealCamera:
    """A pinhole that sees one moment, with Gaussian noise.

    Attributes:
        told: what ``camera_info`` tells of it.
    """

    told: PinholeCamera = CAMERA

    def __init__(self, settings: TwinSettings, workcell: Workcell) -> None:
        self._workcell = workcell
        self._sensor = ImageSensor(noise_std=settings.noise, seed=settings.seed)
        size = CAMERA.width, CAMERA.height
        self._tool = ToolInView(*size, settings.seed) if settings.tool_in_view else None

    def shoot(self, arm: ArmState) -> View:
        """What the camera sees from where the arm is."""
        view, inverse_depth = self._workcell.render_with_depth(arm.q)
        if self._tool is not None:
            view = self._tool.before(view)
        return self._sensor.expose([view]), inverse_depth


class PresetCamera:
    """The same for a :class:`~cns_core.twin.camera.model.CameraModel`; its exposure has settled."""

    def __init__(self, camera: RealCamera, workcell: Workcell, arm: ArmState) -> None:
        self._camera, self._workcell = camera, workcell
        self.told = camera.told
        camera.settle(workcell.scene, self._pose(arm))

    def shoot(self, arm: ArmState) -> View:
        """What the camera sees while the arm goes on as it moves now."""
        twist = self._workcell.camera_twist(arm.q, arm.qd)
        shot = self._camera.shoot(self._workcell.scene, self._pose(arm), twist)
        return shot.image, shot.inverse_depth

    def _pose(self, arm: ArmState) -> np.ndarray:
        return self._workcell.scene_pose(self._workcell.camera_pose(arm.q))


def make_camera(
    settings: TwinSettings, workcell: Workcell, arm: ArmState
) -> IdealCamera | PresetCamera:
    """The camera that the settings name, with the arm where it is now."""
    model = camera_model(settings.camera)
    if model is None:
        return IdealCamera(settings, workcell)
    model = replace(model, tool=model.tool or settings.tool_in_view)
    return PresetCamera(RealCamera(model, CAMERA, settings.seed), workcell, arm)
