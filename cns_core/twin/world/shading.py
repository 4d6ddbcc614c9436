"""Paints what is seen: every pixel is read once from the textures, a shared pixel twice."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.atlas import Atlas
from cns_core.twin.world.projection import View
from cns_core.twin.world.textures import levels_for
from cns_core.twin.world.visibility import (
    FARTHEST,
    NOTHING,
    Grid,
    Shared,
    Visibility,
    affine,
    window,
)

_BLOCK = 240  # pixels; within a block one texture level serves
_GRID = np.array([(x, y) for y in (0.0, 0.5, 1.0) for x in (0.0, 0.5, 1.0)])
_OUTSIDE = -10.0  # texel of the background: beyond the atlas
_STRIPE = 256


def shade(
    visibility: Visibility,
    view: View,
    atlas: Atlas,
    grid: Grid,
    background: tuple[int, int, int],
    antialiased: bool = True,
) -> np.ndarray:
    """(H, W, 3) uint8 BGR image of what is visible.

    Args:
        visibility: of ``view``.
        view: where everything lies.
        atlas: of its textures.
        grid: of the image.
        background: BGR colour where nothing is seen.
        antialiased: as of :func:`cns_core.twin.world.render.render`.
    """
    blocks = _Blocks(view, atlas, reduced=antialiased)
    # Texel times inverse depth is affine in the pixel.
    u = np.full_like(visibility.inverse_depth, _OUTSIDE * FARTHEST)
    v = u.copy()
    for face, box, to_texel in zip(blocks.face, blocks.box, blocks.to_texel, strict=True):
        at = window(box)
        seen = (visibility.face[at] == face).view(np.uint8)
        pixels = grid[0][at], grid[1][at]
        cv2.copyTo(affine(to_texel[0], *pixels), seen, u[at])
        cv2.copyTo(affine(to_texel[1], *pixels), seen, v[at])
    cv2.divide(u, visibility.inverse_depth, u)
    cv2.divide(v, visibility.inverse_depth, v)
    if not antialiased:
        return _read(atlas, u, v, background, cv2.INTER_NEAREST)
    image = _read(atlas, u, v, background)
    _mix(image, visibility.shared(), blocks, atlas, background)
    return image


def _read(
    atlas: Atlas,
    u: np.ndarray,
    v: np.ndarray,
    background: tuple[int, int, int],
    interpolation: int = cv2.INTER_LINEAR,
) -> np.ndarray:
    return cv2.remap(
        atlas.image, u, v, interpolation, None, cv2.BORDER_CONSTANT, borderValue=background
    )


def _mix(
    image: np.ndarray,
    shared: Shared,
    blocks: "_Blocks",
    atlas: Atlas,
    background: tuple[int, int, int],
) -> None:
    """Mix into each shared pixel the colour of the other face that it shows."""
    count = len(shared.x)
    if not count:
        return
    # An image has to be narrow: the list is read in stripes, the last one filled up.
    uv = np.full((2, -(-count // _STRIPE) * _STRIPE), _OUTSIDE, np.float32)
    painted = np.flatnonzero(shared.other != NOTHING)
    uv[:, painted] = blocks.texels(*(c[painted] for c in (shared.other, shared.x, shared.y)))
    u, v = uv.reshape(2, -1, _STRIPE)
    other = _read(atlas, u, v, background).reshape(-1, 3)[:count]
    main = image[shared.y, shared.x].astype(np.float32)
    image[shared.y, shared.x] = np.rint(main + shared.share[:, None] * (other - main))


class _Blocks:
    """Parts of the faces in view, each with a texture level of its own.

    Args:
        view: where everything lies.
        atlas: of its textures.
        reduced: whether coarser levels serve where the finest would alias.

    Attributes:
        face: face of each block, ascending.
        box: pixels of each block, (x0, y0, x1, y1).
        to_texel: (B, 3, 3) from a pixel to a texel of the atlas.
    """

    def __init__(self, view: View, atlas: Atlas, reduced: bool = True) -> None:
        self.face: list[int] = []
        self.box: list[tuple[int, int, int, int]] = []
        first: list[int] = []
        for i, (x0, y0, x1, y1) in enumerate(view.boxes.tolist()):
            first.append(len(self.box))
            for top in range(y0, y1, _BLOCK):
                for left in range(x0, x1, _BLOCK):
                    self.face.append(i)
                    self.box.append((left, top, min(left + _BLOCK, x1), min(top + _BLOCK, y1)))
        self._first = np.array(first, int)
        self._corner = view.boxes[:, :2]
        self._shape = -(-(view.boxes[:, 2:] - self._corner) // _BLOCK)
        texture = np.array([atlas.index[t] for t in view.textures], int)[self.face]
        to_face = view.to_face[self.face]
        middles = self._middles(view)
        level = levels_for(_texels_per_pixel(atlas.sizes[texture], to_face, middles))
        if not reduced:
            level = np.zeros_like(level)
        self.to_texel = atlas.to_texels[texture, level] @ to_face
        # The blocks last: what is picked for many pixels then lies in long rows.
        self._to_texel = np.moveaxis(self.to_texel, 0, 2).copy()
        self._low, self._high = atlas.low[texture, level].T, atlas.high[texture, level].T

    def _middles(self, view: View) -> NDArray[np.float64]:
        """(B, 3) homogeneous pixel in the middle of what each block shows of its body."""
        box = np.array(self.box, float).reshape(-1, 1, 4)
        pixels = np.ones((len(box), len(_GRID), 3))
        pixels[:, :, :2] = box[:, :, :2] + _GRID * (box[:, :, 2:] - 1 - box[:, :, :2])
        inside = np.empty(pixels.shape[:2], bool)
        ends = [*self._first, len(box)]
        for body in view.bodies:
            own = slice(ends[body.faces[0]], ends[body.faces[-1] + 1])
            inside[own] = (pixels[own] @ body.outline.T).min(axis=2) > -0.5
        inside[~inside.any(axis=1), len(_GRID) // 2] = True
        return (pixels * inside[:, :, None]).sum(axis=1) / inside.sum(axis=1)[:, None]

    def texels(
        self, face: NDArray[np.int_], x: NDArray[np.int_], y: NDArray[np.int_]
    ) -> NDArray[np.float64]:
        """(2, N) texels of faces under pixels (x, y), which may lie a little beyond the face."""
        column = np.clip((x - self._corner[face, 0]) // _BLOCK, 0, self._shape[face, 0] - 1)
        row = np.clip((y - self._corner[face, 1]) // _BLOCK, 0, self._shape[face, 1] - 1)
        block = self._first[face] + row * self._shape[face, 0] + column
        to_u, to_v, to_w = self._to_texel.take(block, axis=2)
        w = to_w[0] * x + to_w[1] * y + to_w[2]
        texel = np.stack([to[0] * x + to[1] * y + to[2] for to in (to_u, to_v)])
        with np.errstate(divide="ignore", invalid="ignore"):
            texel /= w
        low, high = self._low.take(block, axis=1), self._high.take(block, axis=1)
        return np.clip(texel, low, high, out=texel)


def _texels_per_pixel(
    size: NDArray[np.int_], to_face: NDArray[np.float64], pixel: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Texels of the full-size texture under a pixel, along the most foreshortened direction.

    All arguments are arrays with one row a block; the result is infinite beyond the horizon.
    """
    a, b, w = np.einsum("nij,nj->in", to_face, pixel)[:, :, None]
    w = np.where(w > 0, w, np.nan)
    to_a, to_b, to_w = np.moveaxis(to_face[:, :, :2], 1, 0)
    p, q = (size[:, :1] / w**2 * (to_a * w - a * to_w)).T
    r, s = (size[:, 1:] / w**2 * (to_b * w - b * to_w)).T
    # Largest singular value of the 2x2 Jacobian.
    trace = p**2 + q**2 + r**2 + s**2
    gap = np.sqrt(np.maximum(trace**2 - 4 * (p * s - q * r) ** 2, 0.0))
    return np.nan_to_num(np.sqrt(0.5 * (trace + gap)), nan=np.inf)
