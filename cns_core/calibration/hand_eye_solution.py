"""The camera's pose on the flange and the board's in the base frame that fit a set of views best.

Start: R. Tsai's problem AX = XB, solved by OpenCV's ``calibrateHandEye`` (Park and Martin, 1994).
Then the reprojection error of all corners is minimized over both poses, since it is in the image
where the noise is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares

from cns_core.bad_data import as_value_error
from cns_core.calibration.views import Sighting
from cns_core.geometry import se3

_MOST_EVALUATIONS = 50
_NONE = "no pose of the camera fits these views"

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """Two poses, and how the fit ended.

    Attributes:
        T_flange_camera, T_base_board: (4, 4) poses, in m.
        fit: residuals in the normalized plane times the focal length, and their derivatives.
        scale: by how much the board was allowed to differ from its stated size; 1 if it was not.
    """

    T_flange_camera: Array
    T_base_board: Array
    fit: OptimizeResult
    scale: float = 1.0

    def deviations(self) -> Array:
        """Standard deviations of the fitted values, from the residuals and the views' geometry.

        Raises:
            ValueError: if the views leave some of them open.
        """
        jacobian, errors = self.fit.jac, self.fit.fun
        variance = (errors @ errors) / (len(errors) - jacobian.shape[1])
        return np.asarray(np.sqrt(variance * np.diag(self._inverse_information())))

    def view_deviations(self, counts: Sequence[int]) -> Array:
        """The same where what is wrong with a view is wrong with all of its corners.

        An arm's error moves the corners of a view together; taken for independent, they promise
        too much. The covariance is robust to that (Liang and Zeger, 1986).

        Args:
            counts: corners of each view.

        Raises:
            ValueError: as :meth:`deviations`.
        """
        parts = np.split(self.fit.jac * self.fit.fun[:, None], 2 * np.cumsum(counts)[:-1])
        gradients = np.array([part.sum(axis=0) for part in parts])
        inverse = self._inverse_information()
        few = len(counts) / (len(counts) - 1)
        spread = inverse @ (gradients.T @ gradients) @ inverse
        return np.asarray(np.sqrt(few * np.diag(spread)))

    def _inverse_information(self) -> Array:
        jacobian = self.fit.jac
        with as_value_error("the views leave the camera's pose open, take more different ones"):
            return np.asarray(np.linalg.inv(jacobian.T @ jacobian))


def closed_form(views: Sequence[Sighting]) -> Array:
    """(4, 4) pose of the camera on the flange from the board's poses alone (Park and Martin).

    Raises:
        ValueError: if the views do not tell it.
    """
    flanges = [view.T_base_flange for view in views]
    boards = [view.T_camera_board for view in views]
    with as_value_error(_NONE):
        R, t = cv2.calibrateHandEye(
            *([T[:3, :3] for T in flanges], [T[:3, 3] for T in flanges]),
            *([T[:3, :3] for T in boards], [T[:3, 3] for T in boards]),
            method=cv2.CALIB_HAND_EYE_PARK,
        )
    X = se3.pose(R, t.ravel())
    # Poses that have nothing to do with one another may give a mirrored frame.
    if not np.isfinite(X).all() or np.linalg.det(R) < 0.5:
        raise ValueError(_NONE)
    return X


def solve(
    views: Sequence[Sighting],
    focal: float,
    with_scale: bool = False,
    start: Solution | None = None,
) -> Solution:
    """Fit both poses to the views, and the board's size on demand.

    Args:
        focal: focal length in pixels, the unit of the residuals.
        start: poses to begin at; the closed form by default.

    Raises:
        ValueError: if there is no solution.
    """
    if start is None:
        X = closed_form(views)
        Y = views[0].T_base_flange @ X @ views[0].T_camera_board
    else:
        X, Y = start.T_flange_camera, start.T_base_board

    def residuals(step: Array) -> Array:
        X_step, board_pose = X @ se3.exp(step[:6]), Y @ se3.exp(step[6:12])
        scale = 1.0 + step[12] if with_scale else 1.0
        return np.concatenate(
            [focal * reprojection(view, X_step, board_pose, scale).ravel() for view in views]
        )

    none = np.zeros(13 if with_scale else 12)
    with np.errstate(all="ignore"):
        if not np.isfinite(residuals(none)).all():
            raise ValueError(_NONE)
        with as_value_error(_NONE):
            fit = least_squares(residuals, none, x_scale="jac", max_nfev=_MOST_EVALUATIONS)
    return Solution(
        T_flange_camera=X @ se3.exp(fit.x[:6]),
        T_base_board=Y @ se3.exp(fit.x[6:12]),
        fit=fit,
        scale=float(1.0 + fit.x[12]) if with_scale else 1.0,
    )


def reprojection(
    view: Sighting, T_flange_camera: Array, T_base_board: Array, scale: float = 1.0
) -> Array:
    """(N, 2) where the two poses put the corners on the normalized plane, less where they are."""
    T = se3.inverse(view.T_base_flange @ T_flange_camera) @ T_base_board
    points = (scale * view.corners) @ T[:3, :3].T + T[:3, 3]
    return points[:, :2] / points[:, 2:] - view.plane


def view_errors(
    views: Sequence[Sighting], T_flange_camera: Array, T_base_board: Array, scale: float = 1.0
) -> Array:
    """(V,) root mean square of each view on the normalized plane; inf where it is not finite."""
    with np.errstate(all="ignore"):
        square = [
            (reprojection(view, T_flange_camera, T_base_board, scale) ** 2).sum(axis=1).mean()
            for view in views
        ]
    return np.sqrt(np.nan_to_num(square, nan=np.inf, posinf=np.inf))
