"""What the hand-eye node may be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.calibration.board import Board
from cns_core.calibration.trust import TrustBounds
from cns_core.settings import check, setting


@dataclass(frozen=True)
class HandEyeSettings:
    """Parameters of the ``hand_eye`` node."""

    columns: int = setting(9, "squares of the board, one of columns and rows even, one odd")
    rows: int = setting(6, "squares of the board")
    square_m: float = setting(
        0.025, "side of a square", unit="m", range=(1e-3, 1.0), parameter="square"
    )
    marker_m: float = setting(
        0.0, "side of a ChArUco marker, 0 for chessboards", unit="m", parameter="marker"
    )
    image_transport: str = setting(
        "raw",
        "how images come: sensor_msgs/Image on image, or CompressedImage on image/compressed",
        choices=("raw", "compressed"),
    )
    robot_model: str = setting("ur5e", "type of the arm", choices=tuple(UR_MODELS))
    file: str = setting("hand_eye.yaml", "file to write; the former one is kept as .bak")
    bounds: TrustBounds = field(default_factory=TrustBounds)

    def __post_init__(self) -> None:
        check(self)

    def board(self) -> Board:
        """The board.

        Raises:
            ValueError: if there cannot be one like it.
        """
        return Board(self.columns, self.rows, self.square_m, self.marker_m)
