"""Going on from weights alone: no checkpoint is kept of what is shipped, nor needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from cns_core.training.weights import load_network


def state_of_weights(path: str | Path) -> dict[str, Any]:
    """A :class:`.Trainer`'s state that begins with the weights in a ``.safetensors`` file.

    Network and running average are theirs, and the run stands at the step that they were trained
    to; the optimizer begins anew, after a warm-up.

    Raises:
        ValueError: as :func:`.load_network`, or for a file of another kind.
    """
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"weights to go on from must be a .safetensors file, got {path}")
    parameters = load_network(path).state_dict()
    with safe_open(path, "np") as file:
        step = int(file.metadata().get("steps", 0))
    average = {f"module.{name}": value.clone() for name, value in parameters.items()}
    return {
        "network": parameters,
        "average": {"n_averaged": torch.tensor(1), **average},
        "step": step,
        "updates": 0,
    }
