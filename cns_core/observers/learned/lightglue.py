"""LightGlue: a transformer that matches the features of two images.

Lindenberger, Sarlin and Pollefeys, "LightGlue: Local Feature Matching at Light Speed", ICCV 2023.
LighterGlue is its small sibling for XFeat. The network is that of the package kornia (Apache-2.0);
shape and features are read off the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from cns_core.observers.learned.extra import load
from cns_core.observers.learned.view import View

_LEAST_SCORE = 0.1
"""Of a match; verification by geometry removes what is wrong among them."""
_SURE = 0.95
"""Features that surely have no match are left out of the later layers: half the time."""


class LightGlue:
    """The matcher.

    Attributes:
        descriptor_size: length of the descriptors it compares.
        oriented: whether it wants keypoints' scales and angles besides.

    Args:
        weights: PyTorch's state dict by name, as :func:`read_weights` gives it.

    Raises:
        ValueError: if they are not those of a LightGlue.
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        shape = _shape(weights)
        self.descriptor_size: int = shape["input_dim"]
        self.oriented: bool = shape["add_scale_ori"]
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = load("kornia.feature.lightglue").LightGlue(None, **shape)
        try:
            missing = network.load_state_dict(weights, strict=False).missing_keys
        except RuntimeError as error:
            raise ValueError(f"weights do not fit a LightGlue: {error}") from error
        if missing := [name for name in missing if name != "confidence_thresholds"]:
            raise ValueError(f"weights of a LightGlue lack {', '.join(missing[:4])}")
        self._network = network.eval().to(self._device)

    def match(self, desired: View, current: View) -> tuple[np.ndarray, np.ndarray]:
        """``(i, j)``: feature ``i[k]`` of one view is ``j[k]`` of the other, none of them twice."""
        if min(len(desired), len(current)) == 0:
            return np.zeros(0, int), np.zeros(0, int)
        with torch.inference_mode():
            shown = {"image0": self._tensors(desired), "image1": self._tensors(current)}
            i, j = self._network(shown)["matches"][0].cpu().numpy().T
        return i, j

    def _tensors(self, view: View) -> dict[str, Any]:
        arrays = {
            "keypoints": view.features.pixels,
            "descriptors": view.features.descriptors,
            "image_size": np.array(view.size),
        }
        if self.oriented:
            assert view.scales is not None and view.angles is not None
            arrays |= {"scales": view.scales, "oris": view.angles}
        return {
            name: torch.from_numpy(np.asarray(values, np.float32))[None].to(self._device)
            for name, values in arrays.items()
        }


@cache
def read_weights(path: str) -> Mapping[str, Any]:
    """Read the weights of a LightGlue, by the names that kornia's network has for them.

    Args:
        path: ``.pth`` or ``.pt`` (PyTorch's state dict, read as data only) or ``.safetensors``.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it holds no state dict.
    """
    if path.endswith(".safetensors"):
        weights = load_file(path)
    else:
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        except OSError:
            raise
        except Exception as error:  # PyTorch has many ways to say that a file is none of its own
            raise ValueError(f"{path} is no state dict of PyTorch: {error}") from error
    if not isinstance(weights, Mapping):
        raise ValueError(f"{path} holds a {type(weights).__name__}, a state dict is needed")
    return {_today(name): values for name, values in weights.items()}


def _today(name: str) -> str:
    """The name that a parameter has today: the authors' first releases had others."""
    name = name.removeprefix("matcher.")
    kind, _, rest = name.partition(".")
    if kind in ("self_attn", "cross_attn"):
        layer, _, inner = rest.partition(".")
        return f"transformers.{layer}.{kind}.{inner}"
    return name


def _shape(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The network's settings that its weights tell.

    Raises:
        ValueError: if they are not those of a LightGlue.
    """
    try:
        half_head, position_size = weights["posenc.Wr.weight"].shape
        width = weights["log_assignment.0.final_proj.weight"].shape[0]
    except KeyError as error:
        raise ValueError(f"weights of a LightGlue are needed, these lack {error}") from None
    projection = weights.get("input_proj.weight")
    layers = {name.split(".")[1] for name in weights if name.startswith("log_assignment.")}
    if position_size not in (2, 4):
        raise ValueError(
            f"keypoints of {position_size} numbers are needed: position, or position, scale and "
            "angle can be given"
        )
    return {
        "input_dim": width if projection is None else projection.shape[1],
        "descriptor_dim": width,
        "n_layers": len(layers),
        "num_heads": width // (2 * half_head),
        "add_scale_ori": position_size == 4,
        "depth_confidence": -1,
        "width_confidence": _SURE,
        "filter_threshold": _LEAST_SCORE,
    }
