"""Views of a board, as they are taken and as the solver takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.bad_data import as_value_error
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """One image of the board, taken at rest.

    Attributes:
        T_base_flange: (4, 4) pose of the flange in the base frame, in m.
        corners: (N, 3) corners seen, in the board's frame, in m.
        pixels: (N, 2) where they are seen.
    """

    T_base_flange: Array
    corners: Array
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Sighting:
    """A view freed of its lens.

    Attributes:
        number: of the view, from 1.
        T_base_flange: (4, 4) pose of the flange in the base frame, in m.
        corners: (N, 3) corners seen, in the board's frame, in m.
        plane: (N, 2) where they are seen on the normalized plane.
        T_camera_board: (4, 4) pose of the board that this view alone tells.
    """

    number: int
    T_base_flange: Array
    corners: Array
    plane: Array
    T_camera_board: Array


def sightings(views: Sequence[View], camera: PinholeCamera) -> list[Sighting]:
    """Take the distortion out once, so that everything after it is a plain projection.

    Raises:
        ValueError: naming the view that is not finite, or tells no pose of the board.
    """
    found = []
    for number, view in enumerate(views, 1):
        plane = camera.normalize(view.pixels)
        if not all(np.isfinite(a).all() for a in (view.T_base_flange, view.corners, plane)):
            raise ValueError(f"view {number} is not finite: discard it")
        board = _board_pose(number, view.corners, plane)
        found.append(Sighting(number, view.T_base_flange, view.corners, plane, board))
    return found


def _board_pose(number: int, corners: Array, plane: Array) -> Array:
    """(4, 4) pose of the board in the camera frame."""
    what = f"the pose of the board cannot be found from view {number}, discard it"
    with as_value_error(what):
        found, rotvec, t = cv2.solvePnP(corners, plane, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    if not found or not np.isfinite([rotvec, t]).all():
        raise ValueError(what)
    return se3.pose(Rotation.from_rotvec(rotvec.ravel()), t.ravel())
