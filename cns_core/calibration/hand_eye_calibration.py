"""Finds where the camera sits on the flange from views of a chessboard or ChArUco board.

Start: R. Tsai's problem AX = XB, solved by OpenCV's ``calibrateHandEye`` (Park and Martin, 1994).
Then the reprojection error of all corners is minimized over the camera's pose on the flange and
the board's in the base frame, since it is in the image where the noise is.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3

MIN_VIEWS = 5
_LEAST_TURN_DEG = 15.0


@dataclass(frozen=True)
class Calibration:
    """Result: (4, 4) poses, and the residuals that tell how far to trust them.

    Attributes:
        reprojection_px: root mean square over all corners.
        worst_px: of the worst view.
        std_mm, std_deg: standard deviation of the camera's position and rotation, from the
            residuals and the geometry of the views.
    """

    T_flange_camera: np.ndarray
    T_base_board: np.ndarray
    reprojection_px: float
    worst_px: float
    std_mm: float
    std_deg: float


def calibrate(flange_poses, views, camera):
    """Solve for the camera's pose on the flange.

    Args:
        flange_poses: list of (4, 4) poses of the flange in the base frame.
        views: what ``Board.find`` gave at each, (corners, pixels).
        camera: the ``PinholeCamera``.

    Raises:
        ValueError: if there are too few views, or they do not turn about two different axes.
    """
    if len(flange_poses) != len(views) or len(views) < MIN_VIEWS:
        raise ValueError(
            f"at least {MIN_VIEWS} views with a pose each are needed, got {len(views)} views "
            f"and {len(flange_poses)} poses"
        )
    _check_turns(flange_poses)
    # Distortion is taken out once, so that everything below is a plain projection.
    planes = [camera.normalize(pixels) for _, pixels in views]
    boards = [
        _board_pose(corners, plane) for (corners, _), plane in zip(views, planes, strict=True)
    ]
    R, t = cv2.calibrateHandEye(
        *([T[:3, :3] for T in flange_poses], [T[:3, 3] for T in flange_poses]),
        *([T[:3, :3] for T in boards], [T[:3, 3] for T in boards]),
        method=cv2.CALIB_HAND_EYE_PARK,
    )
    X = se3.pose(R, t.ravel())
    Y = flange_poses[0] @ X @ boards[0]

    def residuals(step):
        camera_pose, board_pose = X @ se3.exp(step[:6]), Y @ se3.exp(step[6:])
        return np.concatenate(
            [
                camera.focal * (_project(flange @ camera_pose, board_pose, corners) - plane).ravel()
                for flange, (corners, _), plane in zip(flange_poses, views, planes, strict=True)
            ]
        )

    fit = least_squares(residuals, np.zeros(12), x_scale="jac")
    return _result(fit, X, Y, [len(corners) for corners, _ in views])


def _result(fit, X, Y, counts):
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


def _project(T_base_camera, T_base_board, corners):
    """(N, 2) normalized positions of the board's (N, 3) corners."""
    T = se3.inverse(T_base_camera) @ T_base_board
    points = corners @ T[:3, :3].T + T[:3, 3]
    return points[:, :2] / points[:, 2:]


def _board_pose(corners, plane):
    """(4, 4) pose of the board in the camera frame."""
    found, rotvec, t = cv2.solvePnP(corners, plane, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    if not found:
        raise ValueError("the pose of the board cannot be found from a view")
    return se3.pose(Rotation.from_rotvec(rotvec.ravel()), t.ravel())


def _check_turns(poses):
    """AX = XB is solvable only with turns about two axes that are not parallel."""
    turns = [Rotation.from_matrix(poses[0][:3, :3].T @ T[:3, :3]).as_rotvec() for T in poses[1:]]
    second = np.degrees(np.linalg.svd(np.array(turns))[1][1])
    if second < _LEAST_TURN_DEG:
        raise ValueError(
            "the views must turn the camera about two different axes by "
            f"{_LEAST_TURN_DEG} deg or more, got {second:.1f} deg about the second"
        )
