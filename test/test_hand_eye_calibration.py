"""The camera's pose on the flange, found again from rendered views of a board."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cns_core import PinholeCamera
from cns_core.calibration.board import Board
from cns_core.calibration.hand_eye_calibration import View, calibrate
from cns_core.geometry import se3

CAMERA = PinholeCamera(640, 480, 540.0, 540.0, 320.0, 240.0)
T_FLANGE_CAMERA = se3.pose(
    Rotation.from_euler("xyz", [3, -4, 91], degrees=True), (0.02, -0.06, 0.04)
)
# Lying on the table with its z axis into it, as the frame of a board seen from above is.
T_BASE_BOARD = se3.pose(Rotation.from_euler("xz", [180, 20], degrees=True), (0.3, -0.13, 0.0))
CHESSBOARD = Board(columns=9, rows=6, square_m=0.025)
CHARUCO = Board(columns=9, rows=6, square_m=0.025, marker_m=0.018)
_PIXELS_PER_SQUARE = 60


def shoot(board, T_base_camera, rng):
    """A noisy image of the board; pixel (0, 0) of the print maps by the plane's homography."""
    T = se3.inverse(T_base_camera) @ T_BASE_BOARD
    # Pixel centres have integer coordinates, and the corner between squares lies between pixels.
    scale = board.square_m / _PIXELS_PER_SQUARE
    inset = _PIXELS_PER_SQUARE * (1 if board.marker_m else 2) - 0.5
    to_board = np.array([[scale, 0, -inset * scale], [0, scale, -inset * scale], [0, 0, 1.0]])
    H = CAMERA.matrix @ np.column_stack([T[:3, 0], T[:3, 1], T[:3, 3]]) @ to_board
    fine = np.diag([4.0, 4.0, 1.0])
    fine[:2, 2] = 1.5
    large = cv2.warpPerspective(
        board.printed(_PIXELS_PER_SQUARE),
        fine @ H,
        (4 * CAMERA.width, 4 * CAMERA.height),
        borderValue=110,
    )
    image = cv2.resize(large, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)
    return np.clip(image + rng.normal(scale=4.0, size=image.shape), 0, 255).astype(np.uint8)


def viewpoints(rng, count):
    """Camera poses around the board, turned about all axes."""
    center = T_BASE_BOARD[:3, 3] + T_BASE_BOARD[:3, :3] @ [0.09, 0.06, 0.0]
    for _ in range(count):
        away = np.array([*rng.uniform(-0.2, 0.2, 2), rng.uniform(0.3, 0.42)])
        look = se3.look_at(center + away, center + rng.uniform(-0.02, 0.02, 3), up=(0.0, 1.0, 0.0))
        yield look @ se3.pose(Rotation.from_euler("z", rng.uniform(-60, 60), degrees=True))


def record(board, count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        View(T @ se3.inverse(T_FLANGE_CAMERA), *board.find(shoot(board, T, rng)))
        for T in viewpoints(rng, count)
    ]


@pytest.mark.parametrize("board", [CHESSBOARD, CHARUCO], ids=["chessboard", "charuco"])
def test_fifteen_noisy_views_give_the_pose_back(board):
    result = calibrate(record(board, 15), CAMERA)
    assert se3.rotation_error_deg(result.T_flange_camera, T_FLANGE_CAMERA) < 0.05
    assert se3.translation_error_m(result.T_flange_camera, T_FLANGE_CAMERA) < 0.5e-3
    assert result.reprojection_px < 0.3
    assert result.std_mm < 0.5
    assert result.std_deg < 0.05


def test_views_that_turn_about_one_axis_only_are_refused():
    views = record(CHESSBOARD, 6)
    spin = [
        replace(
            view,
            T_base_flange=views[0].T_base_flange
            @ se3.pose(Rotation.from_euler("z", 15 * k, degrees=True)),
        )
        for k, view in enumerate(views)
    ]
    with pytest.raises(ValueError, match="two different axes"):
        calibrate(spin, CAMERA)


def test_too_few_views_are_refused():
    with pytest.raises(ValueError, match="at least 5 views"):
        calibrate(record(CHESSBOARD, 3), CAMERA)


@pytest.mark.parametrize("board", [CHESSBOARD, CHARUCO], ids=["chessboard", "charuco"])
def test_an_image_without_the_board_is_refused(board):
    with pytest.raises(ValueError, match="0 corners of the board seen"):
        board.find(np.full((480, 640, 3), 90, np.uint8))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"columns": 8}, "one even and one odd"),
        ({"rows": 2}, "at least 4"),
        ({"square_m": 0.0}, "square_m must be between"),
        ({"marker_m": 0.03}, "marker_m must be below square_m"),
    ],
)
def test_a_bad_board_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        Board(**({"columns": 9, "rows": 6, "square_m": 0.025} | change))
