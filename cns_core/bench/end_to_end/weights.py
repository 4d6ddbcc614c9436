"""Files of trained end-to-end networks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cns_core.bench.end_to_end.network import NETWORKS, EndToEnd

TRAIN_COMMAND = "python -m cns_core.bench.end_to_end --method {} --out DIR"


def save_weights(network: EndToEnd, method: str, path: str | Path) -> None:
    """Write the weights of a method's network; a crash leaves the old file whole."""
    partial = Path(path).with_suffix(".partial")
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, partial, metadata={"method": method})
    partial.replace(path)


@cache
def load_weights(method: str, path: str) -> EndToEnd:
    """The network of a method with its weights, ready to answer; once a process.

    Raises:
        ValueError: for an unknown method, no file, or a file of something else, naming the
            command that trains one.
    """
    if method not in NETWORKS:
        raise ValueError(f"method must be one of {tuple(NETWORKS)}, got {method!r}")
    remedy = f"train one: {TRAIN_COMMAND.format(method)}"
    if not Path(path).is_file():
        raise ValueError(
            f"{method} needs its weights file, as {method}:FILE, got {path!r}; {remedy}"
        )
    try:
        with safe_open(path, "pt") as file:
            kind = (file.metadata() or {}).get("method", "something else")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is no weights file ({error}); {remedy}") from error
    if kind != method:
        raise ValueError(f"{path} holds weights of {kind}, not of {method}; {remedy}")
    network = NETWORKS[method]()
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path} fits another network ({error}); {remedy}") from error
    return network.eval()
