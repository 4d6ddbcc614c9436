"""The one interface of all controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.correspondence import Correspondence

if TYPE_CHECKING:
    # It brings in scikit-learn, which only the neural controller needs.
    from cns_core.policy.keypoint_graph import KeypointGraph


class Controller(Protocol):
    """Turns correspondences into a camera velocity that does not depend on the scene's scale.

    The caller multiplies the linear half by the depth prior (Eq. 3 of the paper), so a controller
    works as if the desired camera were at distance 1 from the scene. A controller of one's own
    derives from this class and so inherits what it has no answer of its own for.
    """

    min_matches: int
    """Fewest matched keypoints with which :meth:`velocity` is defined."""

    def start(self, desired: NDArray[np.float64]) -> None:
        """Begin an episode towards (N, 2) desired keypoints, without memory of the last one."""

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            ValueError: if fewer than ``min_matches`` keypoints are matched.
        """
        ...

    @property
    def graph(self) -> KeypointGraph | None:
        """The desired keypoints' graph; None without one, as before :meth:`start`."""
        return None

    @property
    def terminal_share(self) -> float:
        """How far the last velocity was corrected near the goal, 0..1."""
        return 0.0


def require_matches(controller: Controller, correspondence: Correspondence) -> None:
    """Raise the ValueError of :meth:`Controller.velocity`."""
    if correspondence.count < controller.min_matches:
        raise ValueError(
            f"{type(controller).__name__} needs {controller.min_matches} matched keypoints, "
            f"got {correspondence.count}"
        )
