"""RAFT as a dense flow (Teed and Deng, ECCV 2020), by torchvision, weights of the user's."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cns_core.bench.methods.flow_observer import Flow

if TYPE_CHECKING:
    import torch

MODELS = ("raft_small", "raft_large")
_MULTIPLE = 8
"""RAFT halves images three times."""


def raft_flow(model: str, weights: str, updates: int = 12) -> Flow:
    """The flow of one of ``MODELS``.

    Args:
        weights: file of a state dict as torchvision ships it, such as
            ``raft_small_C_T_V2-01064c6d.pth``.
        updates: of the recurrent unit, as torchvision has it.

    Raises:
        ValueError: for an unknown model, no file, or a file of other weights.
        ImportError: without torchvision, naming the remedy.
    """
    if model not in MODELS:
        raise ValueError(f"model must be one of {MODELS}, got {model!r}")
    if not Path(weights).is_file():
        raise ValueError(f"{model} needs its weights file, as {model}:FILE, got {weights!r}")
    network = _load(model, weights)

    def flow(first: np.ndarray, second: np.ndarray) -> NDArray[np.float32]:
        import torch

        height, width = first.shape[:2]
        with torch.inference_mode():
            found = network(_tensor(first), _tensor(second), num_flow_updates=updates)[-1]
        return found[0, :, :height, :width].permute(1, 2, 0).float().numpy()

    return flow


@cache
def _load(model: str, weights: str) -> torch.nn.Module:
    """The network with its weights, once a process."""
    import torch

    try:
        optical_flow = import_module("torchvision.models.optical_flow")
    except (ImportError, RuntimeError) as error:  # the latter of a build for another torch
        raise ImportError(
            f"{model} comes with torchvision, which does not load ({error}): pip install "
            "torchvision, of the release and the index that torch came from"
        ) from error
    network = getattr(optical_flow, model)(weights=None)
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{weights} holds no weights of {model}: {error}") from error
    return network.eval()


def _tensor(image: np.ndarray) -> torch.Tensor:
    """(1, 3, H', W') in [-1, 1], RGB, its sides filled up to multiples of eight."""
    import torch

    height, width = image.shape[:2]
    padded = np.pad(
        image[:, :, ::-1],
        ((0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0)),
        mode="edge",
    )
    rgb = torch.from_numpy(np.ascontiguousarray(padded)).permute(2, 0, 1)[None]
    return rgb.float() / 127.5 - 1.0
