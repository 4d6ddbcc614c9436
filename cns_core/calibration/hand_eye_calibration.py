"""Finds where the camera sits on the flange from views of a chessboard or ChArUco board.

The views that agree are found first (``consistent_views``), then both unknown poses are fitted to
them (``hand_eye_solution``). Whether the result is to be trusted is for ``trust`` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.calibration.consistent_views import board_in_base, consistent
from cns_core.calibration.hand_eye_solution import Solution, solve, view_errors
from cns_core.calibration.view_turns import check_turns
from cns_core.calibration.views import Sighting, View, sightings
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera

__all__ = ["MIN_VIEWS", "Calibration", "Outlier", "View", "calibrate"]

MIN_VIEWS = 5

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outlier:
    """A view that was left out because it does not agree with the others.

    Attributes:
        number: of the view, from 1.
        error_px: its residual, by the others' result.
        board_mm, board_deg: from where the others see the board to where this view sees it.
    """

    number: int
    error_px: float
    board_mm: float
    board_deg: float

    def __str__(self) -> str:
        return (
            f"view {self.number} is {self.error_px:.1f} px off, with the board {self.board_mm:.1f} "
            f"mm and {self.board_deg:.1f} deg from where the others see it"
        )


@dataclass(frozen=True, eq=False)
class Calibration:
    """Result: (4, 4) poses, and the residuals that tell how far to trust them.

    Attributes:
        views: how many agree and were used.
        outliers: those left out.
        reprojection_px: root mean square over all corners.
        worst_px: of the worst view.
        residual_mm: ``reprojection_px``, at the distances of the board.
        std_mm, std_deg: standard deviation of the camera's position and rotation, from the
            residuals and the geometry of the views: the larger one of taking the corners, and
            of taking the views, as independent.
        board_scale, board_scale_std: size of the board that would fit best, by its stated one.
    """

    T_flange_camera: Array
    T_base_board: Array
    views: int
    outliers: tuple[Outlier, ...]
    reprojection_px: float
    worst_px: float
    residual_mm: float
    std_mm: float
    std_deg: float
    board_scale: float
    board_scale_std: float


def calibrate(views: Sequence[View], camera: PinholeCamera) -> Calibration:
    """Solve for the camera's pose on the flange; views that do not agree are left out.

    Raises:
        ValueError: if there are too few views, they do not turn about two different axes, or have
            no solution.
    """
    if len(views) < MIN_VIEWS:
        raise ValueError(f"at least {MIN_VIEWS} views are needed, got {len(views)}")
    every = sightings(views, camera)
    check_turns(every)
    kept = consistent(every, camera.focal)
    left_out = [view for view in every if view not in kept]
    if left_out:
        _check_rest(kept, left_out)
    solution = solve(kept, camera.focal)
    outliers = tuple(_outlier(view, solution, camera.focal) for view in left_out)
    return _result(kept, outliers, solution, camera.focal)


def _check_rest(kept: list[Sighting], left_out: list[Sighting]) -> None:
    try:
        check_turns(kept)
    except ValueError as reason:
        numbers = ", ".join(str(view.number) for view in left_out)
        raise ValueError(f"without views {numbers}, which do not agree, {reason}") from reason


def _result(
    views: list[Sighting], outliers: tuple[Outlier, ...], solution: Solution, focal: float
) -> Calibration:
    square = (solution.fit.fun.reshape(-1, 2) ** 2).sum(axis=1)
    X, Y = solution.T_flange_camera, solution.T_base_board
    distances = [(se3.inverse(view.T_base_flange @ X) @ Y)[2, 3] for view in views]
    counts = [len(view.corners) for view in views]
    # What is wrong with an arm's pose moves all corners of a view together.
    std = np.maximum(solution.deviations(), solution.view_deviations(counts))
    resized = solve(views, focal, with_scale=True, start=solution)
    return Calibration(
        T_flange_camera=X,
        T_base_board=Y,
        views=len(views),
        outliers=outliers,
        reprojection_px=float(np.sqrt(square.mean())),
        worst_px=float(focal * view_errors(views, X, Y).max()),
        residual_mm=float(
            1e3 / focal * np.sqrt((square * np.repeat(distances, counts) ** 2).mean())
        ),
        std_mm=float(1e3 * np.linalg.norm(std[:3])),
        std_deg=float(np.degrees(np.linalg.norm(std[3:6]))),
        board_scale=resized.scale,
        board_scale_std=float(resized.view_deviations(counts)[12]),
    )


def _outlier(view: Sighting, solution: Solution, focal: float) -> Outlier:
    X, Y = solution.T_flange_camera, solution.T_base_board
    seen = board_in_base(view, X)
    # Where the board's corners are, not where its frame begins.
    middle = np.append(view.corners.mean(axis=0), 1.0)
    return Outlier(
        number=view.number,
        error_px=float(focal * view_errors([view], X, Y)[0]),
        board_mm=float(1e3 * np.linalg.norm((seen - Y) @ middle)),
        board_deg=se3.rotation_error_deg(seen, Y),
    )
