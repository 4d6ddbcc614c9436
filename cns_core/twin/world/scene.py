"""Seeded scenes for the simulated camera: textured objects on a textured table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cns_core.calibration.board import Board
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.raycast import cast
from cns_core.twin.world.render import Surfaces, render_surfaces
from cns_core.twin.world.solid import Solid, prism, sheet
from cns_core.twin.world.textures import Texture, collage, photographs

TABLE_SIZE_M = 1.5
_BOARD_TEXELS = 60
RADIUS_M = 0.2
"""Objects stand with their middle within this distance of the scene's centre."""


class Rendered:
    """What can be seen: solids over a background, in a frame with z up and the table at z = 0.

    Args:
        solids: the table, or whatever lies below all else, first.
        background: BGR colour where nothing is hit.
        antialiased: as of :func:`.render`.
    """

    def __init__(
        self,
        solids: Iterable[Solid],
        background: tuple[int, int, int],
        antialiased: bool = True,
    ) -> None:
        self.solids = list(solids)
        self.background = background
        self.antialiased = antialiased

    @property
    def textures(self) -> list[Texture]:
        """Of all surfaces, each once."""
        return list(dict.fromkeys(f.texture for solid in self.solids for f in solid.faces))

    def with_moved(self, number: int, offset_m: ArrayLike) -> Rendered:
        """The same with solid ``number`` moved by (3,) ``offset_m``."""
        solids = list(self.solids)
        solids[number] = solids[number].at(se3.pose(translation=np.asarray(offset_m, dtype=float)))
        return Rendered(solids, self.background, self.antialiased)

    def scaled(self, factor: float) -> Rendered:
        """The same ``factor`` times as large, about the origin."""
        T = np.diag([factor, factor, factor, 1.0])
        return Rendered([solid.at(T) for solid in self.solids], self.background, self.antialiased)

    def render(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> np.ndarray:
        """(H, W, 3) uint8 BGR image from the (4, 4) camera pose ``T_sc`` in the scene frame.

        Args:
            extra: further solids, such as a moving occluder.
        """
        return self.render_with_depth(T_sc, camera, extra)[0]

    def render_with_depth(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`render`, and (H, W) float32 inverse depth in 1/m, 0 where nothing is hit."""
        seen = self.surfaces(T_sc, camera, extra)
        return seen.image, seen.inverse_depth

    def surfaces(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> Surfaces:
        """As :meth:`render`, with what is seen in every pixel."""
        solids = [*self.solids, *extra]
        return render_surfaces(solids, T_sc, camera, self.background, self.antialiased)

    def depth(
        self,
        T_sc: NDArray[np.float64],
        camera: PinholeCamera,
        pixels: NDArray[np.number] | None = None,
        extra: Iterable[Solid] = (),
    ) -> NDArray[np.float64]:
        """Exact depth in m, inf where nothing is hit: (H, W), or (N,) at (N, 2) ``pixels``."""
        solids = [*self.solids, *extra]
        if pixels is not None:
            return cast(solids, T_sc, camera, pixels)
        grid = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), axis=-1)
        return cast(solids, T_sc, camera, grid.reshape(-1, 2)).reshape(camera.height, camera.width)


class Scene(Rendered):
    """A textured table of 1.5 m with textured boxes and prisms, upright or tilted, 2 to 15 cm high.

    Args:
        seed: int; the same seed gives the same scene.
        objects: how many, or None for 8 to 12 at random.
        plain_table: a table of one colour, so that keypoints lie on the objects alone.

    Raises:
        ValueError: if ``objects`` is out of range or cannot be placed.
    """

    def __init__(self, seed: int, objects: int | None = None, plain_table: bool = False) -> None:
        if objects is not None and not 0 <= objects <= 16:
            raise ValueError(f"objects must be 0 to 16, got {objects}")
        rng = np.random.default_rng(seed)
        count = int(rng.integers(8, 13)) if objects is None else objects
        cover = np.full((8, 8, 3), 170, np.uint8) if plain_table else collage(rng, 1600)
        table = sheet(TABLE_SIZE_M, TABLE_SIZE_M, cover)
        things = [_place(rng, spot) for spot in spots(rng, count)]
        super().__init__([table, *things], tuple(rng.integers(30, 120, 3).tolist()))


class PhotoPlane(Rendered):
    """One whole photograph lying flat, 1 m wide: the paper's E_affine.

    Args:
        seed: chooses the photograph.
        photo: its place among the wide ones instead, from 0 on, repeating after the last.
    """

    def __init__(self, seed: int = 0, photo: int | None = None) -> None:
        wide = [each for each in photographs() if each.shape[1] >= 600]
        if photo is None:
            photo = int(np.random.default_rng(seed).integers(len(wide)))
        chosen = wide[photo % len(wide)]
        height_m = chosen.shape[0] / chosen.shape[1]
        super().__init__([sheet(1.0, height_m, chosen)], (60, 60, 60))


class BoardPlane(Rendered):
    """The chessboard that `cns-handeye` looks for by default, lying flat."""

    def __init__(self) -> None:
        board = Board(columns=9, rows=6, square_m=0.025)
        printed = cv2.cvtColor(board.printed(_BOARD_TEXELS), cv2.COLOR_GRAY2BGR)
        height_m, width_m = (n * board.square_m / _BOARD_TEXELS for n in printed.shape[:2])
        super().__init__([sheet(width_m, height_m, printed)], (110, 110, 110))


def spots(rng: np.random.Generator, count: int) -> list[tuple[float, float, float]]:
    """(x, y, radius) of discs that do not overlap, middles within the scene's radius."""
    spots: list[tuple[float, float, float]] = []
    for _ in range(10000):
        if len(spots) == count:
            return spots
        radius = rng.uniform(0.025, 0.06)
        distance, angle = RADIUS_M * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        if all(np.hypot(x - a, y - b) > radius + r for a, b, r in spots):
            spots.append((x, y, radius))
    raise ValueError(f"no room for {count} objects within {RADIUS_M} m")


def _place(rng: np.random.Generator, spot: Sequence[float]) -> Solid:
    """One object inside its disc, a third of them tilted."""
    x, y, radius = spot
    height = rng.uniform(0.02, 0.15)
    tilted = rng.random() < 1 / 3
    if tilted:
        height = min(height, 0.6 * radius)
        radius *= 0.85
    solid = prism(rng, _outline(rng, radius), height)
    turn = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi))
    if tilted:
        turn = turn * Rotation.from_euler("x", rng.uniform(10, 30), degrees=True)
    R = turn.as_matrix()
    lowest = (solid.vertices @ R.T)[:, 2].min()
    return solid.at(se3.pose(R, (x, y, -lowest)))


def _outline(rng: np.random.Generator, radius: float) -> NDArray[np.float64]:
    """A convex polygon inscribed in a circle: mostly rectangles, else 3, 5 or 6 corners."""
    if rng.random() < 0.6:
        half = rng.uniform(0.2, 0.5) * np.pi / 2
        angles = np.array([-half, half, np.pi - half, np.pi + half])
    else:
        corners = rng.choice([3, 5, 6])
        angles = 2 * np.pi * np.arange(corners) / corners
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])
