"""A view to return to: the image, what took it, and what was known then."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera


class GoalError(ValueError):
    """What is wrong with a goal, which one, and what to do."""


@dataclass(frozen=True)
class GoalInfo:
    """All that a goal is apart from its pixels.

    Attributes:
        camera: what took the image.
        time: when it was taken or saved, ISO 8601 with time zone.
        pose: (4, 4) T_base_camera in m; None where the arm did not tell it.
        frame: the frame that ``pose`` is expressed in.
        depth_prior_m: from the camera to the centre of the scene; None where nobody said.

    Raises:
        GoalError: naming the value that cannot be.
    """

    camera: PinholeCamera
    time: str
    pose: NDArray[np.float64] | None = None
    frame: str = "base"
    depth_prior_m: float | None = None

    def __post_init__(self) -> None:
        depth = self.depth_prior_m
        if depth is not None and not (0.0 < depth < math.inf):
            raise GoalError(f"the depth prior must be greater than 0 m, got {depth!r}")
        if self.pose is not None and not _is_pose(self.pose):
            raise GoalError(f"the pose must be a (4, 4) rigid motion in m, got {self.pose!r}")


@dataclass(frozen=True)
class Goal:
    """A goal with its pixels.

    Attributes:
        info: the :class:`GoalInfo`.
        image: (H, W, 3) BGR or (H, W) grey uint8, of the camera's size.
        mask: (H, W) uint8, nonzero where the scene may appear; None for everywhere.

    Raises:
        GoalError: if image or mask are not of the camera's size.
    """

    info: GoalInfo
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        try:
            self.info.camera.check_image(self.image)
        except ValueError as reason:
            raise GoalError(str(reason)) from None
        size = (self.info.camera.height, self.info.camera.width)
        if self.mask is not None and self.mask.shape != size:
            raise GoalError(f"the mask must be {size} (rows, columns), got {self.mask.shape}")


def _is_pose(T: NDArray[np.float64]) -> bool:
    if np.shape(T) != (4, 4) or not np.isfinite(T).all():
        return False
    return bool(
        np.allclose(T @ se3.inverse(T), np.eye(4), atol=1e-6)
        and np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-6)
        and np.linalg.det(T[:3, :3]) > 0
        and np.allclose(T[3], [0.0, 0.0, 0.0, 1.0])
    )
