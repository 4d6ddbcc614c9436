"""Whether a hand-eye pose is good enough to be driven with."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.calibration.hand_eye_calibration import MIN_VIEWS, Calibration
from cns_core.settings import check, setting

_CERTAIN = 3.0
"""Standard deviations beyond which another size of the board is no chance."""


@dataclass(frozen=True)
class TrustBounds:
    """What a result has to keep to."""

    min_views: int = setting(10, "views that must agree", range=(MIN_VIEWS, 1000))
    max_left_out: float = setting(
        0.25, "share of the views that may disagree and be left out", range=(0.0, 0.45)
    )
    max_residual_mm: float = setting(
        1.5, "reprojection error allowed, at the board", unit="mm", range=(0.01, 100.0)
    )
    max_std_mm: float = setting(
        2.0, "standard deviation allowed of the camera's position", unit="mm", range=(0.01, 100.0)
    )
    max_std_deg: float = setting(
        0.5, "standard deviation allowed of its rotation", unit="deg", range=(0.001, 10.0)
    )
    max_scale_error: float = setting(
        0.01, "share by which another size of the board may fit better", range=(0.001, 1.0)
    )

    def __post_init__(self) -> None:
        check(self)

    def reasons(self, found: Calibration, square_m: float) -> list[str]:
        """Why a result is not to be trusted: what was seen, allowed, and what to do.

        Args:
            square_m: stated side of the board's squares, in m.

        Returns:
            Empty if it is to be trusted.
        """
        causes = [self._scale_reason(found, square_m), self._residual_reason(found)]
        reasons = [reason for reason in causes if reason] or self._deviation_reasons(found)
        return reasons + self._view_reasons(found)

    def _residual_reason(self, found: Calibration) -> str:
        if found.residual_mm <= self.max_residual_mm:
            return ""
        return (
            f"the views disagree by {found.residual_mm:.2f} mm at the board "
            f"({found.reprojection_px:.2f} px), allowed {self.max_residual_mm} mm: a square "
            "misstated, a board that moved or is not flat, another robot_model, or a camera that "
            "is not calibrated"
        )

    def _scale_reason(self, found: Calibration, square_m: float) -> str:
        off = abs(found.board_scale - 1.0)
        if off <= max(self.max_scale_error, _CERTAIN * found.board_scale_std):
            return ""
        return (
            f"squares of {1e3 * found.board_scale * square_m:.2f} mm would fit better than the "
            f"{1e3 * square_m:.2f} mm stated (allowed {self.max_scale_error:.1%} off): measure a "
            "square, and calibrate the camera's focal length"
        )

    def _view_reasons(self, found: Calibration) -> list[str]:
        reasons, count = [], found.views + len(found.outliers)
        if len(found.outliers) > self.max_left_out * count:
            reasons.append(
                f"{len(found.outliers)} of {count} views do not agree with the others, allowed "
                f"{self.max_left_out:.0%}: has the board moved, or the camera on the flange?"
            )
        if found.views < self.min_views:
            missing = self.min_views - found.views
            reasons.append(
                f"{found.views} views agree, {self.min_views} needed: take {missing} more"
            )
        return reasons

    def _deviation_reasons(self, found: Calibration) -> list[str]:
        pairs = (
            ("position", found.std_mm, self.max_std_mm, "mm"),
            ("rotation", found.std_deg, self.max_std_deg, "deg"),
        )
        return [
            f"the camera's {what} has a standard deviation of {value:.3g} {unit}, allowed {limit}: "
            "take more and more different views"
            for what, value, limit, unit in pairs
            # Written so that what is not a number is refused.
            if not value <= limit
        ]
