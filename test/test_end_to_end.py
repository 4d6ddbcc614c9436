"""End-to-end methods: what they are trained on, that they train, and what a broken one fails."""

import itertools
from time import process_time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cns_core.bench import cli
from cns_core.bench.end_to_end import train, weights
from cns_core.bench.end_to_end import views as views_module
from cns_core.bench.end_to_end.__main__ import main
from cns_core.bench.end_to_end.held_out import held_out_errors
from cns_core.bench.end_to_end.network import (
    NETWORKS,
    PoseCnn,
    Siamese,
    as_pose,
    as_vector,
    inverse,
)
from cns_core.bench.end_to_end.train import Budget, Training
from cns_core.bench.end_to_end.views import Views, load_or_render, render_piece, shrunk, view_pose
from cns_core.bench.end_to_end.weights import load_weights, save_weights
from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.picture import goal, picture_environment
from cns_core.bench.loop.plan import Spec, Suite
from cns_core.bench.loop.servos import build_method
from cns_core.bench.methods.end_to_end_law import EndToEndLaw
from cns_core.geometry import se3

CLEAN = Conditions(noise_std=0.0)
NAMES = tuple(NETWORKS)


class Knowing(nn.Module):
    """An encoder that knows where each image was taken: its feature is that pose."""

    def __init__(self):
        super().__init__()
        self.places = []

    def learn(self, image, T):
        """``T``: (4, 4) in the picture's frame."""
        place = se3.inverse(goal()) @ T
        place[:3, 3] /= np.linalg.norm(goal()[:3, 3])
        vector = as_vector(torch.from_numpy(place)[None].float())
        self.places.append((shrunk(image).astype(float), vector))

    def forward(self, images):
        found = [
            next(place for seen, place in self.places if np.array_equal(seen, image))
            for image in images.numpy()
        ]
        return torch.cat(found)


class Comparing(nn.Module):
    """The siamese head that answers rightly for the features of :class:`Knowing`."""

    def forward(self, both):
        now, then = (as_pose(part) for part in both.split(6, dim=1))
        return as_vector(inverse(then) @ now)


def knowing(method, *views):
    """The network of a method as a perfect training would have it, for (image, pose) pairs."""
    network = NETWORKS[method]()
    network.encoder = Knowing()
    for image, T in views:
        network.encoder.learn(image, T)
    network.head = nn.Identity() if method == "pose-cnn" else Comparing()
    return network.eval()


@pytest.fixture(scope="module")
def environment():
    return picture_environment("T", 1, CLEAN)


def twist(network, desired, current, environment):
    law = EndToEndLaw(network)
    law.set_desired(desired)
    return np.repeat([environment.depth_prior_m, 1.0], 3) * law.velocity(current)


def distance(T, environment):
    way = se3.log(se3.inverse(environment.T_goal) @ T)
    return np.linalg.norm(way / np.repeat([environment.distance_m, 1.0], 3))


def closes_in(environment, answer):
    return distance(environment.T @ se3.exp(0.2 * answer), environment) < 0.9 * distance(
        environment.T, environment
    )


@pytest.mark.parametrize("method", NAMES)
def test_the_law_goes_where_a_perfect_network_says(method, environment):
    here, there = environment.image(), environment.desired_image
    network = knowing(method, (here, environment.T), (there, environment.T_goal))
    forth = twist(network, there, here, environment)
    assert closes_in(environment, forth)
    assert not closes_in(environment, -forth) and not closes_in(environment, np.zeros(6))
    # Swapped images turn it round, and at the goal it rests.
    back = twist(network, here, there, environment)
    assert back @ forth / np.linalg.norm(back) / np.linalg.norm(forth) < -0.8
    assert np.abs(twist(network, there, there, environment)).max() < 1e-5
    with pytest.raises(RuntimeError, match="call set_desired first"):
        EndToEndLaw(network).velocity(here)


@pytest.mark.parametrize("method", NAMES)
def test_a_perfect_network_comes_home(method, environment, monkeypatch):
    # It learns every image as it is taken; the loop is the benchmark's own.
    network = knowing(method)
    original = type(environment).image

    def image(self):
        taken = original(self)
        network.encoder.learn(taken, self.T)
        return taken

    monkeypatch.setattr(type(environment), "image", image)
    monkeypatch.setattr(weights, "load_weights", lambda *_: network)
    network.encoder.learn(picture_environment("T", 1, Conditions()).desired_image, goal())
    record, _ = run_episode(Spec("picture", "T", 1, f"{method}:x", "none"), max_steps=30)
    assert record["translation_error_mm"] < 0.4 * record["initial_translation_mm"]
    assert record["rotation_error_deg"] < 0.4 * record["initial_rotation_deg"]


@pytest.mark.parametrize("method", NAMES)
def test_the_loss_is_least_for_the_truth(method):
    poses = as_pose(0.3 * torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
    network = knowing(method)
    truth = as_vector(poses)

    def loss(features):
        return float(network.loss(features, poses, torch.Generator().manual_seed(1)))

    assert loss(truth) < 1e-4
    # Zero, the wrong sign and the wrong image are all worse by far.
    assert min(loss(torch.zeros(8, 6)), loss(-truth), loss(truth.flip(0))) > 0.05


def test_vectors_and_poses_are_each_others_inverse():
    vectors = 0.5 * torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(as_vector(as_pose(vectors)), vectors, atol=1e-5)
    poses = as_pose(vectors)
    assert torch.allclose(inverse(poses) @ poses, torch.eye(4).expand(20, 4, 4), atol=1e-5)
    expected = [se3.inverse(T.double().numpy()) for T in poses]
    assert np.allclose(inverse(poses).numpy(), expected, atol=1e-5)


def test_sections_differ_by_the_picture_alone(environment):
    new = [picture_environment("N", index, CLEAN) for index in range(5)]
    assert np.array_equal(new[1].T, environment.T)
    assert all(np.array_equal(each.T_goal, environment.T_goal) for each in new)
    assert not np.array_equal(new[0].T, new[1].T)
    seen = [each.desired_image.astype(int) for each in new]
    assert np.array_equal(seen[0], seen[4])
    others = [environment.desired_image.astype(int), *seen[:4]]
    for n, one in enumerate(others):
        assert all(np.abs(one - other).mean() > 20 for other in others[:n])


def test_views_are_where_they_say_and_none_is_a_start_of_the_benchmark():
    found = render_piece(1, 4)
    for n, (image, pose) in enumerate(zip(found.images, found.poses, strict=True)):
        pose[:3, 3] *= np.linalg.norm(goal()[:3, 3])
        T = goal() @ pose
        assert np.allclose(T, view_pose(4 + n))
        own = picture_environment("T", 0, CLEAN)
        own.T = T
        assert np.array_equal(image, shrunk(own.image()))
    starts = [picture_environment("T", n, CLEAN).T for n in range(5)]
    assert not any(np.allclose(view_pose(n), T, atol=1e-3) for n in range(20) for T in starts)


def test_rendering_goes_on_where_it_stopped(tmp_path, monkeypatch):
    rendered = []

    def render(piece, size):
        rendered.append(piece)
        return Views(np.full((size, 96, 128), piece, np.uint8), np.tile(np.eye(4), (size, 1, 1)))

    monkeypatch.setattr(views_module, "render_piece", render)
    load_or_render(tmp_path, 2, size=3)
    found = load_or_render(tmp_path, 3, size=3)
    assert rendered == [0, 1, 2]
    assert found.images[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(list(tmp_path.iterdir())) == 3


def some_views(count=12):
    rng = np.random.default_rng(0)
    vectors = torch.from_numpy(rng.normal(0.0, 0.3, (count, 6)))
    return Views(
        rng.integers(0, 255, (count, 96, 128), dtype=np.uint8), as_pose(vectors.float()).numpy()
    )


@pytest.mark.parametrize("method", NAMES)
def test_in_pieces_it_is_the_same_training(method, tmp_path, monkeypatch):
    views = some_views()
    whole = Training(method, views, tmp_path / "whole", Budget(3))
    assert whole.run()
    # A clock by which every update takes two thirds of a minute.
    ticks = itertools.count(step=40.0)
    clock = SimpleNamespace(monotonic=lambda: next(ticks), process_time=process_time)
    monkeypatch.setattr(train, "time", clock)
    part = Training(method, views, tmp_path / "parts", Budget(3, minutes=1.0))
    assert not part.run() and part.update == 1
    rest = Training(method, views, tmp_path / "parts", Budget(3))
    assert rest.update == 1 and rest.run() and rest.core_minutes > part.core_minutes
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, rest.network.state_dict()[name]), name
    with pytest.raises(ValueError, match="of 3 updates, 5 are asked for"):
        Training(method, views, tmp_path / "parts", Budget(5))
    with pytest.raises(ValueError, match="of 12 views, 9 are asked for"):
        Training(method, some_views(9), tmp_path / "parts", Budget(3))


@pytest.mark.parametrize("method", NAMES)
def test_weights_are_read_back_and_others_refused(method, tmp_path):
    path, other = tmp_path / "w.safetensors", tmp_path / "other.safetensors"
    torch.manual_seed(0)
    network = NETWORKS[method]().eval()
    save_weights(network, method, path)
    images = torch.rand(2, 96, 128)
    read = load_weights(method, str(path))
    with torch.inference_mode():
        assert torch.equal(read.encoder(images), network.encoder(images))
    wrong = PoseCnn() if method == "siamese" else Siamese()
    save_weights(wrong, next(name for name in NAMES if name != method), other)
    command = f"train one: python -m cns_core.bench.end_to_end --method {method} --out DIR"
    (tmp_path / "text").write_text("no weights")
    for file, reason in (("gone", "got 'gone'"), (other, "not of"), (tmp_path / "text", "is no")):
        with pytest.raises(ValueError, match=reason) as refusal:
            load_weights(method, str(file))
        assert command in str(refusal.value)


def test_the_benchmark_takes_the_file_with_the_name(tmp_path, capsys):
    path = tmp_path / "mine.safetensors"
    save_weights(Siamese(), "siamese", path)
    spec = Spec("picture", "N", 1, f"siamese:{path}", "none")
    assert spec.key == "picture-N001_siamese-mine_none_none"
    record, strip = run_episode(spec, max_steps=2)
    assert record["status"] == "timeout" and len(strip) == 2
    suite = Suite(("picture",), (f"siamese:{path}", "ibvs"), ("sift", "akaze"), scenes=1)
    direct = [s for s in suite.specs() if s.controller != "ibvs"]
    assert [(s.section, s.observer) for s in direct] == [("T", "none"), ("N", "none")]
    with pytest.raises(SystemExit):
        cli.main(["--controllers", "pose-cnn"])
    assert "train one: python -m cns_core.bench.end_to_end" in capsys.readouterr().err
    with pytest.raises(ValueError, match="siamese:FILE"):
        build_method("resnet", picture_environment("T", 0, CLEAN), 0.04)


@pytest.mark.slow
@pytest.mark.parametrize("method", NAMES)
def test_a_short_training_learns_the_way(method, tmp_path, environment, capsys):
    words = ["--method", method, "--out", str(tmp_path), "--views", "400", "--updates", "200"]
    assert main(words) == 0
    assert "400 images, 200 updates" in capsys.readouterr().out
    network = load_weights(method, str(tmp_path / f"{method}.safetensors"))
    held_out = load_or_render(tmp_path / "views", 1, size=400)
    untrained = held_out_errors(NETWORKS[method](), held_out)
    assert (
        np.median(held_out_errors(network, held_out), axis=0) < 0.7 * np.median(untrained)
    ).all()
    there, here = environment.desired_image, environment.image()
    forth = twist(network, there, here, environment)
    assert closes_in(environment, forth) and not closes_in(environment, -forth)
    assert np.linalg.norm(twist(network, there, there, environment)) < 0.3 * np.linalg.norm(forth)
    assert main([*words[:-1], "150"]) == 2
    assert "200 updates, 150 are asked for" in capsys.readouterr().err
