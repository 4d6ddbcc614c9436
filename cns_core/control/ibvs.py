"""Image-based visual servoing with the mean interaction matrix, the classical baseline."""

import numpy as np

from cns_core.control.controller import require_matches


def interaction_matrix(points):
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


class IbvsController:
    """v = -L^+ e with L the mean of the interaction matrices at the current and the desired points.

    All depths are 1, the depth prior's place: L's inverse is linear in a common depth, so the
    caller's scaling of the linear half gives the law for any prior. Holds no memory.
    """

    min_matches = 4
    """Three points leave several poses with the same image (Chaumette and Hutchinson 2006)."""

    def start(self, desired):
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence):
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            ValueError: with fewer than four matched keypoints.
        """
        require_matches(self, correspondence)
        current = correspondence.current[correspondence.matched]
        desired = correspondence.desired[correspondence.matched]
        mean = 0.5 * (interaction_matrix(current) + interaction_matrix(desired))
        return -np.linalg.lstsq(mean, (current - desired).ravel(), rcond=1e-9)[0]
