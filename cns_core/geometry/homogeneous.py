"""Homogeneous coordinates of points of the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def homogeneous(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) of (N, 2) points, the third of them 1: on the normalized plane rays of depth 1."""
    return np.column_stack([points, np.ones(len(points))])
