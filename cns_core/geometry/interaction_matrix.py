"""How image points move when the camera does: the interaction matrix of visual servoing."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def interaction_matrix(points: ArrayLike) -> NDArray[np.float64]:
    """(2N, 6) interaction matrix of (N, 2) normalized points at depth 1.

    Maps the camera twist [v, w] to the points' velocity in the image
    (Chaumette and Hutchinson, "Visual servo control, Part I", 2006, Eq. 11).
    """
    x, y = np.asarray(points, dtype=float).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = [
        np.column_stack([-one, zero, x, x * y, -(1.0 + x**2), y]),
        np.column_stack([zero, -one, y, 1.0 + y**2, -x * y, -x]),
    ]
    return np.stack(rows, axis=1).reshape(-1, 6)


def mean_interaction_matrix(current: ArrayLike, desired: ArrayLike) -> NDArray[np.float64]:
    """(2N, 6) mean of the interaction matrices at (N, 2) current and desired points.

    Over a finite motion it predicts the image better than either of the two (Malis 2004).
    """
    return 0.5 * (interaction_matrix(current) + interaction_matrix(desired))
