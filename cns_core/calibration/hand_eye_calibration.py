"""Finds where the camera sits on the flange from views of a chessboard or ChArUco board.

Start: R. Tsai's problem AX = XB, solved by OpenCV's ``calibrateHandEye`` (Park and Martin, 1994).
Then the reprojection error of all corners is minimized over the camera's pose on the flange and
the board's in the base frame, since it is in the image where the noise is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera

MIN_VIEWS = 5
_LEAST_TURN_DEG = 15.0

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
class Calibration:
    """Result: (4, 4) poses, and the residuals that tell how far to trust them.

    Attributes:
        reprojection_px: root mean square over all corners.
        worst_px: of the worst view.
        std_mm, std_deg: standard deviation of the camera's position and rotation, from the
            residuals and the geometry of the views.
    """

    T_flange_camera: Array
    T_base_board: Array
    reprojection_px: float
    worst_px: float
    std_mm: float
    std_deg: float


def calibrate(views: Sequence[View], camera: PinholeCamera) -> Calibration:
    """Solve for the camera's pose on the flange.

    Raises:
        ValueError: if there are too few views, or they do not turn about two different axes.
    """
    if len(views) < MIN_VIEWS:
        raise ValueError(f"at least {MIN_VIEWS} views are needed, got {len(views)}")
    flange_poses = [view.T_base_flange for view in views]
    _check_turns(flange_poses)
    # Distortion is taken out once, so that everything below is a plain projection.
    planes = [camera.normalize(view.pixels) for view in views]
    boards = [_board_pose(v.corners, plane) for v, plane in zip(views, planes, strict=True)]
    R, t = cv2.calibrateHandEye(
        *([T[:3, :3] for T in flange_poses], [T[:3, 3] for T in flange_poses]),
        *([T[:3, :3] for T in boards], [T[:3, 3] for T in boards]),
        method=cv2.CALIB_HAND_EYE_PARK,
    )
    X = se3.pose(R, t.ravel())
    Y = flange_poses[0] @ X @ boards[0]

    def residuals(step: Array) -> Array:
        X_step, board_pose = X @ se3.exp(step[:6]), Y @ se3.exp(step[6:])
        return np.concatenate(
            [
                camera.focal
                * (_project(v.T_base_flange @ X_step, board_pose, v.corners) - plane).ravel()
                for v, plane in zip(views, planes, strict=True)
            ]
        )

    fit = least_squares(residuals, np.zeros(12), x_scale="jac")
    return _result(fit, X, Y, [len(view.corners) for view in views])


def _result(fit: OptimizeResult, X: Array, Y: Array, counts: list[int]) -> Calibration:
    square = (fit.fun.reshape(-1, 2) ** 2).sum(axis=1)
    per_view = [part.mean() for part in np.split(square, np.cumsum(counts)[:-1])]
    variance = (fit.fun @ fit.fun) / (len(fit.fun) - 12)
    std = np.sqrt(variance * np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))
    return Calibration(
        T_flange_camera=X @ se3.exp(fit.x[:6]),
        T_base_board=Y @ se3.exp(fit.x[6:]),
        reprojection_px=float(np.sqrt(square.mean())),
        worst_px=float(np.sqrt(max(per_view))),
        std_mm=float(1e3 * np.linalg.norm(std[:3])),
        std_deg=float(np.degrees(np.linalg.norm(std[3:6]))),
    )


def _project(T_base_camera: Array, T_base_board: Array, corners: Array) -> Array:
    """(N, 2) normalized positions of the board's (N, 3) corners."""
    T = se3.inverse(T_base_camera) @ T_base_board
    points = corners @ T[:3, :3].T + T[:3, 3]
    return points[:, :2] / points[:, 2:]


def _board_pose(corners: Array, plane: Array) -> Array:
    """(4, 4) pose of the board in the camera frame."""
    found, rotvec, t = cv2.solvePnP(corners, plane, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    if not found:
        raise ValueError("the pose of the board cannot be found from a view")
    return se3.pose(Rotation.from_rotvec(rotvec.ravel()), t.ravel())


def _check_turns(poses: list[Array]) -> None:
    """AX = XB is solvable only with turns about two axes that are not parallel."""
    turns = [Rotation.from_matrix(poses[0][:3, :3].T @ T[:3, :3]).as_rotvec() for T in poses[1:]]
    second = np.degrees(np.linalg.svd(np.array(turns))[1][1])
    if second < _LEAST_TURN_DEG:
        raise ValueError(
            "the views must turn the camera about two different axes by "
            f"{_LEAST_TURN_DEG} deg or more, got {second:.1f} deg about the second"
        )
