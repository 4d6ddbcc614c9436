"""Chessboards and ChArUco boards: found in images, and as they are printed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.bad_data import as_value_error

_LEAST_CORNERS = 8
_MOST_SQUARES = 100
# A ChArUco board has a marker on every other square.
_MARKERS = 100
_SUBPIXEL = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 40, 1e-3)

Corners = tuple[np.ndarray, np.ndarray]
"""(N, 3) corners in the board's frame in m, and where they are seen, (N, 2) pixels."""


@dataclass(frozen=True)
class Board:
    """A flat calibration board.

    Args:
        columns, rows: number of squares; one even and one odd, or a view upside down looks alike.
        square_m: side of a square.
        marker_m: side of a ChArUco marker (dictionary 4x4_100); 0 for a plain chessboard.

    Raises:
        ValueError: naming what is out of range.
    """

    columns: int
    rows: int
    square_m: float
    marker_m: float = 0.0

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 4 or (self.columns + self.rows) % 2 == 0:
            raise ValueError(
                "columns and rows must be at least 4, one even and one odd, "
                f"got {self.columns} and {self.rows}"
            )
        if max(self.columns, self.rows) > _MOST_SQUARES:
            raise ValueError(
                f"columns and rows must be at most {_MOST_SQUARES}, "
                f"got {self.columns} and {self.rows}"
            )
        if not 0.0 < self.square_m < 1.0:
            raise ValueError(f"square_m must be between 0 and 1 m, got {self.square_m}")
        if not 0.0 <= self.marker_m < self.square_m:
            raise ValueError(
                f"marker_m must be below square_m ({self.square_m} m) and not negative, "
                f"got {self.marker_m}"
            )
        if self.marker_m and (needed := self.columns * self.rows // 2) > _MARKERS:
            raise ValueError(
                f"a ChArUco board of {self} needs {needed} markers, but the dictionary 4x4_100 "
                f"has {_MARKERS}: take fewer columns or rows"
            )

    def __str__(self) -> str:
        return f"{self.columns} x {self.rows} squares of {1e3 * self.square_m:g} mm"

    def find(self, image: np.ndarray) -> Corners:
        """Find the inner corners in a grey or BGR uint8 image.

        Returns:
            (N, 3) corners in the board's frame in m and (N, 2) pixels.

        Raises:
            ValueError: if the board, or enough of it, is not seen.
        """
        with as_value_error(f"image of shape {image.shape} and type {image.dtype} is not usable"):
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
        find = self._find_charuco if self.marker_m else self._find_chessboard
        with as_value_error("the board cannot be looked for in this image"):
            corners, pixels = find(grey)
        if len(corners) < _LEAST_CORNERS:
            kind = "ChArUco board" if self.marker_m else "chessboard, which has to be seen whole,"
            raise ValueError(
                f"{len(corners)} corners of the board seen, {_LEAST_CORNERS} needed: the {kind} is "
                f"stated to have {self.columns} columns and {self.rows} rows of squares"
            )
        with as_value_error("the corners of the board cannot be refined in this image"):
            window = self._refinement_window(pixels)
            refined = cv2.cornerSubPix(grey, pixels[:, None].copy(), window, (-1, -1), _SUBPIXEL)
        if not np.isfinite(refined).all():
            raise ValueError("the corners of the board cannot be told in this image")
        return corners, refined[:, 0].astype(float)

    def _find_chessboard(self, grey: np.ndarray) -> Corners:
        inner = (self.columns - 1, self.rows - 1)
        found, pixels = cv2.findChessboardCornersSB(grey, inner)
        if not found:
            return np.zeros((0, 3)), np.zeros((0, 2), np.float32)
        x, y = np.meshgrid(np.arange(inner[0]), np.arange(inner[1]))
        corners = self.square_m * np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
        return corners, pixels[:, 0]

    def _find_charuco(self, grey: np.ndarray) -> Corners:
        board = self.charuco()
        pixels, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(grey)
        if ids is None:
            return np.zeros((0, 3)), np.zeros((0, 2), np.float32)
        corners = np.array(board.getChessboardCorners(), dtype=float)
        return corners[ids.ravel()], pixels.reshape(-1, 2)

    def _refinement_window(self, pixels: np.ndarray) -> tuple[int, int]:
        """Half the window of the corner refinement, which must see nothing but one corner."""
        distances = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
        nearest = distances[distances > 0].min(initial=np.inf)
        clear = 0.5 * (1.0 - self.marker_m / self.square_m) if self.marker_m else 1.0 / 3.0
        half = int(np.clip(nearest * clear - 0.5, 2, 7))
        return half, half

    def charuco(self) -> cv2.aruco.CharucoBoard:
        """OpenCV's description of a ChArUco board."""
        markers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_100)
        size = (self.columns, self.rows)
        return cv2.aruco.CharucoBoard(size, self.square_m, self.marker_m, markers)

    def printed(self, pixels_per_square: int) -> np.ndarray:
        """The board as printed, grey uint8, with a white margin of one square on every side."""
        if self.marker_m:
            size = (self.columns * pixels_per_square, self.rows * pixels_per_square)
            squares = self.charuco().generateImage(size)
        else:
            pattern = np.add.outer(np.arange(self.rows), np.arange(self.columns)) % 2
            block = np.ones((pixels_per_square, pixels_per_square))
            squares = np.kron(255 * pattern, block).astype(np.uint8)
        return np.pad(squares, pixels_per_square, constant_values=255)
