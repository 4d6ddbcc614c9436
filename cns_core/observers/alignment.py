"""Sub-pixel alignment of keypoint patches to the desired image."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Alignment:
    """Result per keypoint.

    Attributes:
        pixels: (N, 2) aligned positions in the current image.
        similarity: (N,) correlation of the current patch with the desired one, -1 to 1.
        residual: (N,) root mean square of what gain and offset leave, grey levels.
        step_px: (N,) length of the last step; small where the search has settled.
    """

    pixels: np.ndarray
    similarity: np.ndarray
    residual: np.ndarray
    step_px: np.ndarray


class PatchAligner:
    """Gauss-Newton alignment of square patches, brightness gain and offset left free.

    The desired image is warped and interpolated, the current one is read at whole pixels: that
    keeps interpolation out of the live image (inverse search of Baker and Matthews, IJCV 2004, with
    the roles of the images kept, so that the warp needs no composition).

    Args:
        template: :class:`Template` of the desired image.
        radius: patches are ``2 radius + 1`` pixels square.
    """

    def __init__(self, template, radius):
        self.radius = radius
        self._template = template
        side = np.arange(-radius, radius + 1, dtype=np.float32)
        self._x, self._y = (g.ravel() for g in np.meshgrid(side, side))

    def align(self, image, anchors, affine, pixels, steps=2):
        """Find where the desired image's patches are in the current image.

        Args:
            image: (H, W) current grey image.
            anchors: (N, 2) patch centres in the desired image, pixels.
            affine: (N, 2, 2) local map from desired to current pixels.
            pixels: (N, 2) first guess, at least ``radius`` + 1 inside the image.
            steps: Gauss-Newton steps.
        """
        centre = np.rint(pixels)
        patch = self._gather(image, centre.astype(int))
        back = np.linalg.inv(affine).astype(np.float32)
        base = anchors.astype(np.float32)
        moved = pixels.astype(float).copy()
        for _ in range(steps):
            x, y = self._into_template(base, back, (centre - moved).astype(np.float32))
            offset, similarity, residual = self._step(patch, self._template.read(x, y))
            delta = -np.einsum("nij,nj->ni", affine, offset)
            moved += delta
        return Alignment(moved, similarity, residual, np.linalg.norm(delta, axis=1))

    def _gather(self, image, centre):
        """(N, P) patches around whole pixels, each with zero mean."""
        flat = (self._y * image.shape[1] + self._x).astype(int)
        start = centre[:, 1] * image.shape[1] + centre[:, 0]
        return _centred(image.ravel()[start[:, None] + flat].astype(np.float32))

    def _into_template(self, base, back, shift):
        """Template coordinates of every pixel of every patch."""
        x = self._x + shift[:, :1]
        y = self._y + shift[:, 1:]
        return (
            base[:, :1] + back[:, 0, :1] * x + back[:, 0, 1:] * y,
            base[:, 1:] + back[:, 1, :1] * x + back[:, 1, 1:] * y,
        )

    def _step(self, patch, read):
        """One step: (N, 2) offset in the template; (N,) correlation and residual before it.

        Least squares in offset, gain and brightness; the latter two are eliminated by projecting
        everything onto the complement of the constant and of the template itself.
        """
        template, gx, gy = (_centred(layer) for layer in read)
        energy = _dot(template, template) + 1e-6
        gain = _dot(patch, template) / energy
        residual = patch - gain[:, None] * template
        gx, gy = (_orthogonal(g, template, energy) for g in (gx, gy))
        xx, xy, yy = _dot(gx, gx) + 1e-3, _dot(gx, gy), _dot(gy, gy) + 1e-3
        bx, by = _dot(gx, residual), _dot(gy, residual)
        scale = 1.0 / ((xx * yy - xy * xy) * np.where(np.abs(gain) > 0.05, gain, 0.05))
        offset = np.stack([(yy * bx - xy * by) * scale, (xx * by - xy * bx) * scale], axis=1)
        similarity = gain * np.sqrt(energy / (_dot(patch, patch) + 1e-6))
        rms = np.sqrt(_dot(residual, residual) / residual.shape[1])
        return np.clip(offset, -self.radius / 2, self.radius / 2), similarity, rms


def _dot(a, b):
    return np.einsum("np,np->n", a, b)


def _centred(a):
    return a - a.mean(axis=1, keepdims=True)


def _orthogonal(a, direction, energy):
    return a - (_dot(a, direction) / energy)[:, None] * direction
