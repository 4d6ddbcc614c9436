"""The state dict that the original authors of CNS released, under our names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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


def read_authors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The authors' state dict under our names; never unpickles anything but tensors.

    Raises:
        ValueError: if the file is damaged or holds something else, or PyTorch, whose format it is,
            is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"weights file {path} is no .safetensors, and reading the authors' state dict needs "
            f"PyTorch ({error}): in the checkout, pip install '.[train]'"
        ) from error
    try:
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        pairs = [(*name.rsplit(".", 1), value.numpy()) for name, value in theirs.items()]
        return {f"{_AUTHORS_NAMES[module]}.{leaf}": value for module, leaf, value in pairs}
    except KeyError as error:
        raise ValueError(f"weights file {path} has an unknown parameter {error}") from error
    except Exception as error:  # torch.load raises whatever the unpickler meets
        raise ValueError(
            f"weights file {path} is no .safetensors and no state dict of the authors, "
            f"or is truncated: {error}"
        ) from error
