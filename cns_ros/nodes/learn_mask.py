"""The service that finds out by itself what hides the scene in every image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from std_srvs.srv import Trigger

from cns_core.observers.mask_learning import MaskLearner
from cns_ros.ros.guard import GuardedNode


class LearnMask:
    """``~/learn_mask``: call it after a short motion of the arm, with the scene in view.

    Args:
        node: whose service it is.
        path: of the PNG file that keeps the mask, empty for none.
        use: takes the (H, W) uint8 mask, zero where the scene is hidden.
    """

    def __init__(self, node: GuardedNode, path: str, use: Callable[[np.ndarray], None]) -> None:
        self._path, self._use = path, use
        self._learner = MaskLearner()
        node.create_service(Trigger, "~/learn_mask", self._on_learn)

    def look(self, image: np.ndarray) -> None:
        """Take each image as it comes."""
        self._learner.add(image)

    def _on_learn(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        mask = np.where(self._learner.mask(), 255, 0).astype(np.uint8)
        said = f"{100 * (mask == 0).mean():.0f} % of the image is left out from now on"
        if self._path:
            path = Path(self._path).expanduser()
            if not cv2.imwrite(str(path), mask):
                raise ValueError(f"cannot write {path}: set learnt_mask_file to a .png elsewhere")
            said += f", see {path}"
        self._use(mask)
        response.success, response.message = True, said
        return response
