"""Sums and maxima over runs of rows, those of one cluster each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.policy.linear import Array


class Segments:
    """Rows sorted by the cluster that they belong to.

    Args:
        owner: (M,) cluster of each row, not decreasing.

    Attributes:
        clusters: (S,) the clusters that own any row, increasing; S segments.
    """

    def __init__(self, owner: NDArray[np.int64]) -> None:
        self._starts = np.flatnonzero(np.diff(owner, prepend=-1))
        self._sizes = np.diff(self._starts, append=len(owner))
        self.clusters = owner[self._starts]

    def sum(self, rows: Array) -> Array:
        """(S, D) sums of (M, D) rows."""
        return np.add.reduceat(rows, self._starts, axis=0)

    def max(self, rows: Array) -> Array:
        """(S, D) maxima of (M, D) rows."""
        return np.maximum.reduceat(rows, self._starts, axis=0)

    def spread(self, values: Array) -> Array:
        """(M, D): each row's segment's entry of (S, D) ``values``."""
        return np.repeat(values, self._sizes, axis=0)
