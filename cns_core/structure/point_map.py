"""Where the desired keypoints are in space, triangulated frame by frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cns_core.structure import symmetric
from cns_core.structure.projection import MEDIAN, median, tukey

_FEWEST_SIGHTINGS = 6.0
"""From views that differ."""
_STIFFNESS = 1.0
"""Information (1/m^2) that keeps a point where it was in directions that no ray tells."""
_KNOWN_SHARE = 0.25
_LEAST_SHARE = 0.01
"""No point's place is known better than this, over its distance: corners change with the view."""
_SMOOTHING = 0.1
_EXPECTED = 2.0
"""Mean squared distance of a sighting in standard deviations: two degrees of freedom."""
_LARGEST_SURPRISE = 100.0
_BENDING = 20.0
"""Surprise from which a point is no fixed point."""
_LOST, _ON_TRIAL = 50.0, 40.0
"""Surprise from which a point is triangulated anew once the camera moves, and the one it then
begins with."""
_MOVING = 0.1
"""Newness of a view from which on a point may be forgotten: at rest none would give it back."""
_FACTORS = (0.3, 30.0)
_FEWEST_TO_ADAPT = 8


class PointMap:
    """One point for each of N keypoints: where its lines of sight meet, by weighted least squares.

    A point is at ``A^-1 b`` with ``A = sum w (I - r r^T)`` and ``b = sum w (I - r r^T) c`` over its
    sightings along the ray r from the camera's centre c, weighted by the noise they have in space.
    Sightings are forgotten by and by; a keypoint that is out of sight keeps its place, and one that
    is found elsewhere while the camera rests is left out until it is back: the mismatch may go, and
    nothing would give the place back that new views have told.

    Attributes:
        points: (N, 3) m, map frame; meaningful where :meth:`known`.
        surprise: (N,) running mean of the squared distance of sightings from the map, in standard
            deviations. Large for what is no fixed point: edges of objects, whatever moves.

    Args:
        count: number of keypoints.
        memory_frames: frames after which a sighting has lost most of its weight.
    """

    def __init__(self, count: int, memory_frames: float = 60.0) -> None:
        self.points = np.zeros((count, 3))
        self.surprise = np.full(count, _EXPECTED)
        # Symmetric matrices and vectors by their elements, each a row of all points.
        self._covariance = np.zeros((6, count))
        self._covariance[symmetric.DIAGONAL] = 1.0 / _STIFFNESS
        self._factor = 1.0
        self._information = np.zeros((6, count))
        self._vector = np.zeros((3, count))
        self._sightings = np.zeros(count)
        self._keep = 1.0 - 1.0 / memory_frames

    def known(self, centre: np.ndarray) -> np.ndarray:
        """(N,) bool: points whose place is fixed well enough and which stay there.

        Args:
            centre: (3,) m, of the camera that looks at them.
        """
        line = (self.points - centre).T
        squared = (line * line).sum(axis=0) + 1e-12
        variance = symmetric.along(self._covariance, line) / squared
        precise = variance * self._doubt() < _KNOWN_SHARE**2 * squared
        return precise & (self._sightings >= _FEWEST_SIGHTINGS) & (self.surprise < _BENDING)

    def covariance(self, which: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(M, 3, 3) m^2 of the points chosen by an index or mask ``which``.

        Larger than the lines of sight tell for points that did not stay where they were.
        """
        least = symmetric.outer(_LEAST_SHARE * (self.points[which] - centre).T)
        covariance = self._covariance[:, which] * self._doubt()[which] + least
        return symmetric.full(covariance).transpose(2, 0, 1)

    def stretch(self, factor: float, centre: np.ndarray) -> None:
        """Make the map larger by a factor about (3,) ``centre``."""
        self.points = centre + factor * (self.points - centre)
        self._covariance *= factor**2
        self._information /= factor**2
        self._vector = symmetric.times(self._information, self.points.T)

    def _doubt(self) -> np.ndarray:
        """(N,) factor on the variances that follow from the expected noise."""
        return self._factor**2 * np.maximum(self.surprise / _EXPECTED, 1.0)

    def observe(
        self,
        centre: np.ndarray,
        rays: np.ndarray,
        matched: np.ndarray,
        deviation: ArrayLike,
        distance: float,
        newness: float = 1.0,
    ) -> None:
        """Take the sightings of one frame.

        Args:
            centre: (3,) m, of the camera, map frame.
            rays: (N, 3) unit vectors towards the keypoints, map frame.
            matched: (N,) bool, which of them were seen.
            deviation: (N,) standard deviations of the rays' directions or one for all, rad.
            distance: m, what to take for that of a point without a place.
            newness: how much the view differs from the last one, 0..1. What is seen twice from one
                place is known no better, and nothing is forgotten meanwhile.
        """
        if newness > _MOVING:
            self._forget(self.surprise >= _LOST)
        seen = np.flatnonzero(matched)
        r, old = rays[seen], self.points[seen]
        line = old - centre
        along = (line * r).sum(axis=1)
        placed = (self._sightings[seen] >= _FEWEST_SIGHTINGS) & (along > 0)
        length = np.where(placed, along, distance)
        noise = (np.broadcast_to(deviation, matched.shape)[seen] * length) ** 2
        weight = newness * self._robust(seen, line, r, along, noise, placed, newness) / noise
        across = -weight * symmetric.outer(r.T)
        across[symmetric.DIAGONAL] += weight
        keep = self._keep**newness
        self._information[:, seen] = keep * self._information[:, seen] + across
        self._vector[:, seen] = keep * self._vector[:, seen] + symmetric.times(
            across, centre[:, None]
        )
        self._sightings[seen] += newness
        self._solve(seen, np.where(placed[:, None], old, centre + distance * r))

    def _forget(self, gone: np.ndarray) -> None:
        """Triangulate (N,) bool points anew."""
        self._information[:, gone] = 0.0
        self._vector[:, gone] = 0.0
        self._sightings[gone] = 0.0
        self.surprise[gone] = _ON_TRIAL

    def _robust(
        self,
        seen: np.ndarray,
        line: np.ndarray,
        r: np.ndarray,
        along: np.ndarray,
        noise: np.ndarray,
        placed: np.ndarray,
        newness: float,
    ) -> np.ndarray:
        """(M,) weights of new sightings by their distance from the map, which is remembered."""
        aside = line - along[:, None] * r
        covariance = self._covariance[:, seen]
        trace = covariance[symmetric.DIAGONAL].sum(axis=0)
        # Rounding can make it negative for points that are all but at the camera.
        spread = np.maximum(0.5 * (trace - symmetric.along(covariance, r.T)), 0.0)
        squared = (aside * aside).sum(axis=1) / (noise + spread) / self._factor**2
        self._adapt(squared[placed], newness)
        squared = np.where(placed, np.minimum(squared, _LARGEST_SURPRISE), _EXPECTED)
        rise = squared - self.surprise[seen]
        # What is not placed yet agrees with nothing, so that only new views speak for it.
        self.surprise[seen] += _SMOOTHING * np.where(placed | (rise > 0.0), 1.0, newness) * rise
        return tukey(np.sqrt(squared))

    def _adapt(self, squared: np.ndarray, newness: float) -> None:
        """Fit the noise to the sightings: that of the camera's pose comes on top of their own.

        That all agree while nothing changes is no sign of precision.
        """
        if len(squared) >= _FEWEST_TO_ADAPT:
            change = min(float(np.sqrt(median(squared))) / MEDIAN, 3.0) - 1.0
            change *= 1.0 if change > 0.0 else newness
            self._factor = float(np.clip(self._factor * (1.0 + _SMOOTHING * change), *_FACTORS))

    def _solve(self, seen: np.ndarray, old: np.ndarray) -> None:
        information = self._information[:, seen]
        information[symmetric.DIAGONAL] += _STIFFNESS
        covariance = symmetric.inverse(information, _STIFFNESS)
        vector = self._vector[:, seen] + _STIFFNESS * old.T
        self._covariance[:, seen] = covariance
        self.points[seen] = symmetric.times(covariance, vector).T
