"""All textures of a scene, with their reductions, in one image: one resampling paints a view."""

from collections.abc import Iterable, Mapping

import numpy as np

from cns_core.twin.world.textures import Texture

_WIDTH = 3000
_BORDER = 2  # texels around each picture that repeat its edge
_Pair = tuple[int, int]


class Atlas:
    """Textures packed into one image.

    Args:
        textures: what is packed.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        index: number of each texture.
        sizes: (T, 2) width and height of every texture in full size.
        to_texels: (T, L, 3, 3) of every texture and level, from (a, b, 1) to a texel of ``image``.
        low, high: (T, L, 2) first and last texel of every texture and level.
    """

    def __init__(self, textures: Iterable[Texture]) -> None:
        textures = list(textures)
        self.index = {texture: i for i, texture in enumerate(textures)}
        self.sizes = np.array([texture.size for texture in textures])
        pictures = {(t, k): im for t, te in enumerate(textures) for k, im in enumerate(te.levels)}
        corners, shape = _pack({key: _size(picture) for key, picture in pictures.items()})
        self.image = np.zeros((*shape, 3), np.uint8)
        self.to_texels = np.array([texture.to_texels for texture in textures])
        self.low = np.zeros((*self.to_texels.shape[:2], 2))
        self.high = np.zeros_like(self.low)
        for key, picture in pictures.items():
            x, y = corners[key]
            height, width = picture.shape[:2]
            framed = np.pad(picture, ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)), mode="edge")
            self.image[y : y + framed.shape[0], x : x + framed.shape[1]] = framed
            self.low[key] = x + _BORDER, y + _BORDER
            self.high[key] = self.low[key] + (width - 1, height - 1)
        self.to_texels[:, :, :2, 2] += self.low


def _size(picture: np.ndarray) -> _Pair:
    return picture.shape[0], picture.shape[1]


def _pack(sizes: Mapping[_Pair, _Pair]) -> tuple[dict[_Pair, _Pair], _Pair]:
    """Place framed pictures on shelves, the tallest first; their (x, y), and the (H, W) needed."""
    width = max(_WIDTH, max(w for _, w in sizes.values()) + 2 * _BORDER)
    corners: dict[_Pair, _Pair] = {}
    x, y, shelf = 0, 0, 0
    for key, (h, w) in sorted(sizes.items(), key=lambda item: -item[1][0]):
        h, w = h + 2 * _BORDER, w + 2 * _BORDER
        if x + w > width:
            x, y, shelf = 0, y + shelf, 0
        corners[key] = x, y
        x, shelf = x + w, max(shelf, h)
    return corners, (y + shelf, width)
