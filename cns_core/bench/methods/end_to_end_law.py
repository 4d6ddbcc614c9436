"""PBVS on the pose that a network tells of two whole images: the paper's [11] and [13]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.bench.end_to_end.views import shrunk
from cns_core.control.pbvs import pbvs_twist
from cns_core.geometry import se3

if TYPE_CHECKING:
    # PyTorch takes a second to import, and the classical methods do without.
    from torch import Tensor

    from cns_core.bench.end_to_end.network import EndToEnd


class EndToEndLaw:
    """Straight to the goal by the pose that ``network`` tells, at gain 1.

    Args:
        network: of :func:`cns_core.bench.end_to_end.weights.load_weights`.
    """

    def __init__(self, network: EndToEnd) -> None:
        self._network = network
        self._desired: Tensor | None = None

    def set_desired(self, image: np.ndarray) -> None:
        """Take the (H, W, 3) uint8 BGR ``image`` as the goal."""
        self._desired = self._features(image)

    def velocity(self, image: np.ndarray) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame.

        Raises:
            RuntimeError: before :meth:`set_desired`.
        """
        import torch

        if self._desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        with torch.inference_mode():
            answer = self._network.relative(self._features(image), self._desired)
        way = answer[0].double().numpy()
        return pbvs_twist(se3.pose(Rotation.from_rotvec(way[3:]), way[:3]))

    def _features(self, image: np.ndarray) -> Tensor:
        import torch

        with torch.inference_mode():
            return self._network.encoder(torch.from_numpy(shrunk(image))[None].float())
