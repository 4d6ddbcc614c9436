"""Weights of the policy: save, and load with checks."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cns_core.policy.authors_weights import read_authors
from cns_core.policy.network import CnsNetwork
from cns_core.policy.policy import Policy
from cns_core.policy.variants import make_network, structure
from cns_core.share import share_directory

FORMAT = "cns-weights"
VERSION = "1"
FILE_NAME = "cns.safetensors"


def load_policy(path: str | Path | None = None) -> Policy:
    """Load a :class:`cns_core.policy.policy.Policy`.

    Args:
        path: our ``.safetensors``, or the original authors' released state dict (any other name);
            None for the weights shipped with the package.

    Raises:
        FileNotFoundError: if ``path`` is None and no weights are installed.
        ValueError: if the file is missing, damaged, of another version, or of other shapes.
    """
    return Policy(load_network(default_weights() if path is None else path))


def default_weights() -> Path:
    """Path of the shipped weights.

    Raises:
        FileNotFoundError: naming the place searched and the remedy.
    """
    path = share_directory() / "models" / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: give a path of weights, train some with cns-train, or use the ibvs "
            "controller"
        )
    return path


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
    """Load a network of :mod:`cns_core.policy.variants`; see :func:`load_policy`."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"weights file {path} does not exist")
    ours = path.suffix == ".safetensors"
    state, notes = _read_ours(path) if ours else (read_authors(path), {})
    if "input.weight" not in state:
        raise ValueError(f"weights file {path} holds no CNS parameters (no 'input.weight')")
    network = make_network(
        width=state["input.weight"].shape[0],
        clustering=notes.get("clustering", "True") == "True",
        memory=notes.get("memory", "gconv_gru"),
    )
    _check_shapes(path, state, network.state_dict())
    network.load_state_dict(state)
    return network


def _read_ours(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"weights file {path} is damaged or truncated: {error}") from error
    found = metadata.get("format"), metadata.get("version")
    if found != (FORMAT, VERSION):
        raise ValueError(
            f"weights file {path} has format {found[0]!r} version {found[1]!r}, "
            f"expected {FORMAT!r} version {VERSION!r}"
        )
    return state, metadata


def _check_shapes(
    path: Path, state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]
) -> None:
    for name in sorted(expected.keys() | state.keys()):
        found, wanted = (
            tuple(d[name].shape) if name in d else "missing" for d in (state, expected)
        )
        if found != wanted:
            raise ValueError(f"weights file {path}: {name} is {found}, expected {wanted}")
        if not torch.isfinite(state[name]).all():
            raise ValueError(f"weights file {path}: {name} holds values that are not finite")
