"""A scene drawn by MuJoCo's OpenGL renderer in place of the built-in one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.mujoco_model import model_of
from cns_core.twin.world.scene import Rendered
from cns_core.twin.world.solid import Solid

NEAR_M, FAR_M = 0.01, 30.0
_FLIP = np.diag([1.0, -1.0, -1.0])
"""MuJoCo's cameras look along -z with y up."""


class MujocoScene(Rendered):
    """The solids of another scene, drawn by MuJoCo.

    Geometry, textures and poses are the same; projection, visibility, filtering and anti-aliasing
    are OpenGL's. Depth is the built-in ray caster's. Without a display, EGL draws.

    Raises:
        ImportError: without the ``mujoco`` package, naming the remedy.
    """

    def __init__(self, scene: Rendered) -> None:
        super().__init__(scene.solids, scene.background)
        self._scene = scene
        self._mujoco = load_mujoco()
        self._camera: PinholeCamera | None = None
        self._model: Any = None
        self._data: Any = None
        self._renderer: Any = None

    def with_moved(self, number: int, offset_m: ArrayLike) -> Rendered:
        return MujocoScene(self._scene.with_moved(number, offset_m))

    def scaled(self, factor: float) -> Rendered:
        return MujocoScene(self._scene.scaled(factor))

    def render(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> np.ndarray:
        """As of :class:`Rendered`.

        Raises:
            ValueError: for ``extra`` solids or a camera with distortion, which it does not draw.
        """
        if list(extra):
            raise ValueError("the mujoco renderer draws no occluder: use the built-in one")
        if camera != self._camera:
            self._compile(camera)
        self._data.cam_xpos[0] = T_sc[:3, 3]
        self._data.cam_xmat[0] = (T_sc[:3, :3] @ _FLIP).ravel()
        self._renderer.update_scene(self._data, camera="eye")
        rgb = self._renderer.render()
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))

    def render_with_depth(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        depth = self._scene.render_with_depth(T_sc, camera, extra)[1]
        return self.render(T_sc, camera, extra), depth

    def _compile(self, camera: PinholeCamera) -> None:
        if self._renderer is not None:
            self._renderer.close()
        text, files = model_of(self.solids, camera, NEAR_M, FAR_M)
        self._model = self._mujoco.MjModel.from_xml_string(text, files)
        self._data = self._mujoco.MjData(self._model)
        self._mujoco.mj_forward(self._model, self._data)
        self._renderer = self._mujoco.Renderer(self._model, camera.height, camera.width)
        self._camera = camera


def load_mujoco() -> Any:
    """The package, set to draw without a display.

    Raises:
        ImportError: where it is not installed, naming the remedy.
    """
    os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        return import_module("mujoco")
    except ImportError as error:
        raise ImportError(
            "the mujoco renderer needs the package mujoco: in the checkout, pip install '.[mujoco]'"
        ) from error
