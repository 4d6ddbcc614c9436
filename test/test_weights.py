"""Weights on disk: written, read back, and refused with a reason."""

import runpy
import shutil
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cns_core import share
from cns_core.policy import weights
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.weights import load_network, save_network


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    save_network(CnsNetwork(width=16), tmp_path / "cns.safetensors", seed=0)
    return tmp_path / "cns.safetensors"


def test_written_weights_are_read_back(path):
    network = load_network(path)
    expected = load_file(path)
    assert {k: v.tolist() for k, v in network.state_dict().items()} == {
        k: v.tolist() for k, v in expected.items()
    }


def test_policy_from_a_file_serves(path):
    run = weights.load_policy(path).start(np.random.default_rng(0).random((8, 2)))
    direction, norm, twist = run.step(np.zeros((8, 2)), np.ones(8, dtype=bool))
    assert direction.shape == (6,) and norm.shape == (1,) and twist.shape == (6,)


def rewrite(path, change, **metadata):
    state = load_file(path)
    change(state)
    save_file(state, path, {"format": weights.FORMAT, "version": weights.VERSION} | metadata)


@pytest.mark.parametrize(
    "change, metadata, word",
    [
        (lambda s: s.pop("fuse.weight"), {}, "fuse.weight is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), {}, r"extra \(1,\) is taken by no layer"),
        (lambda s: s.update({"fuse.bias": torch.zeros(3)}), {}, r"fuse.bias is \(3,\)"),
        (lambda s: s["fuse.bias"].fill_(float("nan")), {}, "not finite"),
        (lambda s: s.pop("input.weight"), {}, "input.weight"),
        (lambda s: s.update({"input.weight": torch.tensor(1.0)}), {}, "no matrix 'input.weight'"),
        (lambda s: s.update({"fuse.bias": s["fuse.bias"].bfloat16()}), {}, "must hold float32"),
        (lambda s: None, {"version": "99"}, "version '99'"),
    ],
)
def test_wrong_weights_are_refused(path, change, metadata, word):
    rewrite(path, change, **metadata)
    with pytest.raises(ValueError, match=word):
        weights.load_policy(path)


def test_missing_and_truncated_files_are_refused(path, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        weights.load_policy(tmp_path / "nothing.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="truncated"):
        weights.load_policy(path)
    foreign = tmp_path / "foreign.pth"
    foreign.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="no state dict"):
        weights.load_policy(foreign)


def test_the_authors_file_without_pytorch_names_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "authors.pth").touch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"needs PyTorch .*pip install '\.\[train\]'"):
        weights.load_policy(tmp_path / "authors.pth")


def test_a_pickled_program_is_not_run(tmp_path):
    class Program:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save(Program(), tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="no state dict"):
        weights.load_policy(tmp_path / "evil.pth")


def test_absent_default_weights_name_the_remedy(monkeypatch):
    monkeypatch.setattr(weights, "FILE_NAME", "absent.safetensors")
    with pytest.raises(FileNotFoundError, match="cns-train"):
        weights.default_weights()


@pytest.mark.parametrize("home", ["", "lib/python3.11/site-packages"], ids=["source", "installed"])
def test_share_is_found_beside_the_packages(home, tmp_path):
    program = tmp_path / home / "cns_core" / "share.py"
    program.parent.mkdir(parents=True)
    shutil.copy(share.__file__, program)
    folder = tmp_path / "share" / "cns_ros" if home else tmp_path
    with pytest.raises(FileNotFoundError, match="reinstall"):
        runpy.run_path(str(program))["share_directory"]()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.xml").touch()
    assert runpy.run_path(str(program))["share_directory"]() == folder.resolve()
