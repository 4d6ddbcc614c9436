"""Where the camera sits on the flange, and what a camera's motion is for the arm.

The file, YAML, holds the pose of the camera's optical frame (z forward, x right, y down) in the
flange frame::

    flange_frame: tool0
    camera_frame: camera_optical_frame
    xyz_m: [0.0, -0.04, 0.05]
    quaternion_xyzw: [0.0, 0.0, 0.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3

_FARTHEST_M = 2.0
_NORM_TOLERANCE = 1e-3
_KEYS = ("flange_frame", "camera_frame", "xyz_m", "quaternion_xyzw")


@dataclass(frozen=True)
class HandEye:
    """Pose of the camera's optical frame in the flange frame.

    Args:
        xyz_m: (3,) position in m.
        quaternion_xyzw: (4,) orientation, of norm 1 within 1e-3.
        flange_frame, camera_frame: names of the two frames.

    Raises:
        ValueError: naming the value that is out of range.
    """

    xyz_m: tuple[float, ...]
    quaternion_xyzw: tuple[float, ...]
    flange_frame: str = "tool0"
    camera_frame: str = "camera_optical_frame"

    def __post_init__(self) -> None:
        for name, size in (("xyz_m", 3), ("quaternion_xyzw", 4)):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), size))
        if np.linalg.norm(self.xyz_m) > _FARTHEST_M:
            raise ValueError(
                f"xyz_m must lie within {_FARTHEST_M} m of the flange, got {self.xyz_m}"
            )
        norm = np.linalg.norm(self.quaternion_xyzw)
        if abs(norm - 1.0) > _NORM_TOLERANCE:
            raise ValueError(
                f"quaternion_xyzw must have norm 1 within {_NORM_TOLERANCE}, "
                f"got {self.quaternion_xyzw} of norm {norm:.6g}"
            )
        for name in ("flange_frame", "camera_frame"):
            if not (isinstance(getattr(self, name), str) and getattr(self, name)):
                raise ValueError(f"{name} must be a non-empty string, got {getattr(self, name)!r}")

    @property
    def T_flange_camera(self) -> np.ndarray:
        """(4, 4) pose of the camera in the flange frame."""
        return se3.pose(Rotation.from_quat(self.quaternion_xyzw), self.xyz_m)

    @property
    def tcp(self) -> np.ndarray:
        """(6,) pose [x y z rx ry rz], m and rotation vector, to set as the arm's TCP."""
        return np.concatenate([self.xyz_m, Rotation.from_quat(self.quaternion_xyzw).as_rotvec()])

    @classmethod
    def from_pose(cls, T_flange_camera: np.ndarray, **frames: str) -> HandEye:
        """The same from a (4, 4) pose."""
        quaternion = Rotation.from_matrix(T_flange_camera[:3, :3]).as_quat()
        return cls(tuple(T_flange_camera[:3, 3]), tuple(quaternion), **frames)

    @classmethod
    def load(cls, path: str | Path) -> HandEye:
        """Read a file.

        Raises:
            ValueError: naming the file and what is missing, unknown or out of range in it.
        """
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"hand-eye file {path} cannot be read: {error}") from error
        if not isinstance(content, dict):
            raise ValueError(f"hand-eye file {path} must hold {', '.join(_KEYS)}")
        unknown, missing = set(content) - set(_KEYS), {"xyz_m", "quaternion_xyzw"} - set(content)
        if unknown or missing:
            raise ValueError(
                f"hand-eye file {path}: missing {sorted(missing)}, "
                f"unknown {sorted(unknown, key=str)}"
            )
        try:
            return cls(**content)
        except ValueError as error:
            raise ValueError(f"hand-eye file {path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write a file that :meth:`load` reads back to the last digit."""
        content = {key: getattr(self, key) for key in _KEYS}
        content |= {key: list(content[key]) for key in ("xyz_m", "quaternion_xyzw")}
        text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None)
        Path(path).write_text(text, encoding="utf-8")


def flange_twist(twist_camera: np.ndarray, T_flange_camera: np.ndarray) -> np.ndarray:
    """The flange's own (6,) twist, in flange axes, that moves the camera by ``twist_camera``."""
    return se3.adjoint(T_flange_camera) @ twist_camera


def tcp_twist_in_base(twist_camera: np.ndarray, T_base_camera: np.ndarray) -> np.ndarray:
    """(6,) velocity of the camera's centre and its rotation, both in base axes.

    This is what a UR arm's ``speedL`` takes once its TCP is set to the camera's optical frame.
    """
    R = T_base_camera[:3, :3]
    return np.concatenate([R @ twist_camera[:3], R @ twist_camera[3:]])


def _numbers(name: str, values: Iterable[float], size: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != size or not np.all(np.isfinite(numbers)):
        raise ValueError(f"{name} must be {size} finite numbers, got {values!r}")
    return numbers
