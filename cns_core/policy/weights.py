"""Weights of the policy: save, load with checks, and import of the original authors' state dict."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cns_core.policy.policy import Policy
from cns_core.policy.variants import make_network, structure
from cns_core.share import share_directory

FORMAT = "cns-weights"
VERSION = "1"
FILE_NAME = "cns.safetensors"

_AUTHORS_NAMES = {
    "encoder.in_enc.fcs.0": "input",
    "encoder.att_clu_conv.pos_nn.fcs.0": "ptconv.pos_nn.0",
    "encoder.att_clu_conv.pos_nn.fcs.1": "ptconv.pos_nn.2",
    "encoder.att_clu_conv.attn_nn.fcs.0": "ptconv.attn_nn.0",
    "encoder.att_clu_conv.attn_nn.fcs.1": "ptconv.attn_nn.2",
    "encoder.att_clu_conv.lin": "ptconv.lin",
    "encoder.att_clu_conv.lin_src": "ptconv.lin_src",
    "encoder.att_clu_conv.lin_dst": "ptconv.lin_dst",
    "encoder.out_enc.fcs.0": "fuse",
    "backbone.l1_conv0.conv.msg_nn.fcs.0": "perconv0.conv.linear",
    "backbone.l1_conv0.bn": "perconv0.norm",
    "backbone.l1_conv0.fc": "perconv0.linear",
    "backbone.temporal_aggr.conv_gates.msg_nn.fcs.0": "memory.gates.linear",
    "backbone.temporal_aggr.conv_candi.msg_nn.fcs.0": "memory.candidate.linear",
    "backbone.l1_conv1.conv.msg_nn.fcs.0": "perconv1.conv.linear",
    "backbone.l1_conv1.bn": "perconv1.norm",
    "backbone.l1_conv1.fc": "perconv1.linear",
    "decoder.pool.gate_nn": "pool.gate_nn",
    "decoder.vel_si_vec.fcs.0": "direction.0",
    "decoder.vel_si_vec.fcs.1": "direction.2",
    "decoder.vel_si_norm.fcs.0": "norm.0",
    "decoder.vel_si_norm.fcs.1": "norm.2",
}


def load_policy(path=None):
    """Load a :class:`cns_core.policy.policy.Policy`.

    Args:
        path: our ``.safetensors``, or the original authors' released state dict (any other name);
            None for the weights shipped with the package.

    Raises:
        FileNotFoundError: if ``path`` is None and no weights are installed.
        ValueError: if the file is missing, damaged, of another version, or of other shapes.
    """
    return Policy(load_network(default_weights() if path is None else path))


def default_weights():
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


def save_network(network, path, **notes):
    """Write the parameters to ``path`` (safetensors) in one piece, with ``notes`` as metadata."""
    path = Path(path)
    notes = {**structure(network), **notes}
    metadata = {"format": FORMAT, "version": VERSION, **{k: str(v) for k, v in notes.items()}}
    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial, metadata)
    partial.replace(path)


def load_network(path):
    """Load a network of :mod:`cns_core.policy.variants`; see :func:`load_policy`."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"weights file {path} does not exist")
    ours = path.suffix == ".safetensors"
    state, notes = _read_ours(path) if ours else (_read_authors(path), {})
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


def _read_ours(path):
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


def _read_authors(path):
    """The authors' state dict under our names; never unpickles anything but tensors."""
    try:
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        pairs = [(*name.rsplit(".", 1), value) for name, value in theirs.items()]
        return {f"{_AUTHORS_NAMES[module]}.{leaf}": value for module, leaf, value in pairs}
    except KeyError as error:
        raise ValueError(f"weights file {path} has an unknown parameter {error}") from error
    except Exception as error:  # torch.load raises whatever the unpickler meets
        raise ValueError(
            f"weights file {path} is no .safetensors and no state dict of the authors, "
            f"or is truncated: {error}"
        ) from error


def _check_shapes(path, state, expected):
    for name in sorted(expected.keys() | state.keys()):
        found, wanted = (
            tuple(d[name].shape) if name in d else "missing" for d in (state, expected)
        )
        if found != wanted:
            raise ValueError(f"weights file {path}: {name} is {found}, expected {wanted}")
        if not torch.isfinite(state[name]).all():
            raise ValueError(f"weights file {path}: {name} holds values that are not finite")
