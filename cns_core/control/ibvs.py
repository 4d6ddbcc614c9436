"""Image-based visual servoing with the mean interaction matrix, the classical baseline."""

import numpy as np
from numpy.typing import NDArray

from cns_core.control.controller import Controller, require_matches
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.interaction_matrix import mean_interaction_matrix


class IbvsController(Controller):
    """v = -L^+ e with L the mean of the interaction matrices at the current and the desired points.

    All depths are 1, the depth prior's place: L's inverse is linear in a common depth, so the
    caller's scaling of the linear half gives the law for any prior. Holds no memory.
    """

    min_matches = 4
    """Three points leave several poses with the same image (Chaumette and Hutchinson 2006)."""

    def start(self, desired: NDArray[np.float64]) -> None:
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            ValueError: with fewer than four matched keypoints.
        """
        require_matches(self, correspondence)
        current = correspondence.current[correspondence.matched]
        desired = correspondence.desired[correspondence.matched]
        L = mean_interaction_matrix(current, desired)
        return -np.linalg.lstsq(L, (current - desired).ravel(), rcond=1e-9)[0]
