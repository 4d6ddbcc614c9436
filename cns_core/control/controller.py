"""The one interface of all controllers."""

from typing import Protocol

import numpy as np


class Controller(Protocol):
    """Turns correspondences into a camera velocity that does not depend on the scene's scale.

    The caller multiplies the linear half by the depth prior (Eq. 3 of the paper), so a controller
    works as if the desired camera were at distance 1 from the scene.
    """

    min_matches: int
    """Fewest matched keypoints with which :meth:`velocity` is defined."""

    def start(self, desired: np.ndarray) -> None:
        """Begin an episode towards (N, 2) desired keypoints, without memory of the last one."""

    def velocity(self, correspondence) -> np.ndarray:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            ValueError: if fewer than ``min_matches`` keypoints are matched.
        """


def require_matches(controller, correspondence):
    """Raise the ValueError of :meth:`Controller.velocity`."""
    if correspondence.count < controller.min_matches:
        raise ValueError(
            f"{type(controller).__name__} needs {controller.min_matches} matched keypoints, "
            f"got {correspondence.count}"
        )
