"""What a method is to the benchmark: built anew for every episode, told the situation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cns_core.control.controller import Controller
from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.observer import Observer

if TYPE_CHECKING:
    # The environments are rendered; a method's own file needs none of that.
    from cns_core.bench.loop.environments import Environment


@dataclass(frozen=True)
class Situation:
    """What an episode tells a method before it begins.

    Attributes:
        camera: the assumed :class:`~cns_core.PinholeCamera`; the true one may differ.
        depth_prior_m: told distance from the desired camera to the scene centre.
        period_s: between two images.
        verify: whether the run wants matches to be verified; of account to observers.
        truth: the environment itself. A method that looks at it is a bound, not a method, and says
            so in its name.
    """

    camera: PinholeCamera
    depth_prior_m: float
    period_s: float
    verify: bool
    truth: Environment


class DirectLaw(Protocol):
    """A law that goes by whole images and knows no keypoints."""

    def set_desired(self, image: np.ndarray) -> None:
        """Take the (H, W, 3) uint8 BGR ``image`` as the goal.

        Raises:
            ValueError: if nothing can be done by it.
        """

    def velocity(self, image: np.ndarray) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s that answers an image, camera optical frame."""
        ...


@dataclass(frozen=True)
class Method:
    """A controller of keypoints, or a direct law.

    Attributes:
        controller: answers matches; None of a direct law.
        observer: finds the matches; None for the one that the run names.
        direct: answers images; ``controller`` and ``observer`` are then None.

    Raises:
        ValueError: unless it is exactly one of the two.
    """

    controller: Controller | None = None
    observer: Observer | None = None
    direct: DirectLaw | None = None

    def __post_init__(self) -> None:
        if (self.controller is None) == (self.direct is None):
            raise ValueError("a method has either a controller or a direct law")
        if self.direct is not None and self.observer is not None:
            raise ValueError("a direct law takes images: it has no observer")
