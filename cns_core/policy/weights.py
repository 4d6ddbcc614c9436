"""Weights of the policy, read with checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from cns_core.policy.authors_weights import read_authors
from cns_core.policy.network import NumpyNetwork, Structure
from cns_core.policy.policy import Policy
from cns_core.share import share_directory

FORMAT = "cns-weights"
VERSION = "1"
FILE_NAME = "cns.safetensors"

State = dict[str, NDArray[Any]]
"""Parameters by the names of PyTorch's state dict."""


def load_policy(path: str | Path | None = None) -> Policy:
    """Load a :class:`cns_core.policy.policy.Policy`.

    Args:
        path: our ``.safetensors``, or the original authors' released state dict (any other name),
            which needs PyTorch; None for the weights shipped with the package.

    Raises:
        FileNotFoundError: if ``path`` is None and no weights are installed.
        ValueError: if the file is missing, damaged, of another version, or of other shapes.
    """
    return Policy(read_weights(default_weights() if path is None else path)[0])


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


def read_weights(path: str | Path) -> tuple[NumpyNetwork, State]:
    """The network in a file, and its parameters as they lie there; see :func:`load_policy`."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"weights file {path} does not exist")
    ours = path.suffix == ".safetensors"
    state, notes = _read_ours(path) if ours else (read_authors(path), {})
    first = state.get("input.weight")
    if first is None or first.ndim != 2:
        raise ValueError(f"weights file {path} holds no CNS parameters (no matrix 'input.weight')")
    structure = Structure(
        width=first.shape[0],
        clustering=notes.get("clustering", "True") == "True",
        memory=notes.get("memory", "gconv_gru"),
    )
    try:
        return NumpyNetwork(structure, state), state
    except ValueError as error:
        raise ValueError(f"weights file {path}: {error}") from error


def _read_ours(path: Path) -> tuple[State, dict[str, str]]:
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"weights file {path} is damaged or truncated: {error}") from error
    except TypeError as error:  # of numbers that NumPy lacks, as bfloat16
        raise ValueError(f"weights file {path} must hold float32 or float16: {error}") from error
    found = metadata.get("format"), metadata.get("version")
    if found != (FORMAT, VERSION):
        raise ValueError(
            f"weights file {path} has format {found[0]!r} version {found[1]!r}, "
            f"expected {FORMAT!r} version {VERSION!r}"
        )
    return state, metadata
