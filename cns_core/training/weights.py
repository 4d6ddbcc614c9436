"""Weights of the network that is trained: written, and read back."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from cns_core.policy.weights import FORMAT, VERSION, read_weights
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.network.variants import make_network, structure


def save_network(network: CnsNetwork, path: str | Path, **notes: object) -> None:
    """Write the parameters to ``path`` (safetensors) in one piece, with ``notes`` as metadata."""
    path = Path(path)
    told: dict[str, object] = {**structure(network), **notes}
    metadata = {"format": FORMAT, "version": VERSION, **{k: str(v) for k, v in told.items()}}
    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, metadata)
    partial.replace(path)


def load_network(path: str | Path) -> CnsNetwork:
    """Load a network of :mod:`cns_core.training.network.variants`.

    Raises:
        ValueError: as :func:`cns_core.policy.weights.load_policy`.
    """
    served, state = read_weights(path)
    network = make_network(**served.structure)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return network
