"""Keypoints carried by dense flow, and the stop rule of methods without keypoints."""

from importlib import import_module

import cv2
import numpy as np
import pytest
import torch

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import CAMERA, render_environment
from cns_core.bench.methods.flow_observer import FlowObserver, dis_flow
from cns_core.bench.methods.observers_by_name import check_observer
from cns_core.bench.methods.raft_flow import raft_flow
from cns_core.bench.methods.ssim_stop import STEPS, SsimStop
from cns_core.control.ibvs import IbvsController
from cns_core.control.status import Status
from cns_core.geometry import se3


@pytest.fixture(scope="module")
def environment():
    return render_environment("S", 1, Conditions(start_share=0.1))


def test_the_flow_finds_the_keypoints_again(environment):
    observer = FlowObserver(CAMERA, dis_flow())
    observer.set_desired(environment.desired_image)
    seen = observer.observe(environment.image())
    assert seen.count > 0.5 * len(observer.desired)
    # Where the surface of the scene says that they are.
    pixels = CAMERA.denormalize(observer.desired[seen.matched])
    depth = environment.depth(environment.T_goal, pixels)[:, None]
    local = np.column_stack([observer.desired[seen.matched], np.ones(seen.count)]) * depth
    T = se3.inverse(environment.T) @ environment.T_goal
    true = CAMERA.project(local @ T[:3, :3].T + T[:3, 3])
    off = np.linalg.norm(CAMERA.denormalize(seen.current[seen.matched]) - true, axis=1)
    assert np.nanmedian(off) < 1.0
    way, twist = se3.log(T), IbvsController().velocity(seen)
    assert twist @ way > 0.8 * np.linalg.norm(way) * np.linalg.norm(twist)


def test_the_flow_of_the_same_image_is_none(environment):
    observer = FlowObserver(CAMERA, dis_flow())
    observer.set_desired(environment.desired_image)
    seen = observer.observe(environment.desired_image)
    assert seen.matched.all() and seen.error * CAMERA.focal < 0.05


def test_a_flow_that_does_not_come_back_matches_nothing(environment):
    flow = dis_flow()
    observer = FlowObserver(CAMERA, lambda first, second: flow(first, second) + np.float32(9.0))
    observer.set_desired(environment.desired_image)
    assert observer.observe(environment.image()).count < 0.02 * len(observer.desired)


def test_what_shows_no_corners_is_refused():
    observer = FlowObserver(CAMERA, dis_flow())
    with pytest.raises(RuntimeError, match="call set_desired first"):
        observer.observe(np.zeros((480, 640, 3), np.uint8))
    with pytest.raises(ValueError, match="0 corners, at least 12 are needed"):
        observer.set_desired(np.full((480, 640, 3), 90, np.uint8))


def test_an_observer_needs_a_name_or_a_file(tmp_path):
    weights = tmp_path / "w.pth"
    weights.touch()
    assert check_observer(f"raft_small:{weights}") == f"raft_small:{weights}"
    with pytest.raises(ValueError, match="needs its weights file, as raft_small:FILE"):
        check_observer("raft_small:gone.pth")
    with pytest.raises(ValueError, match="observer must be one of .*raft_large:FILE"):
        check_observer("surf")


def test_raft_without_torchvision_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    weights = tmp_path / "w.pth"
    weights.touch()
    with pytest.raises(ImportError, match="pip install torchvision"):
        raft_flow("raft_small", str(weights))


def test_raft_loads_weights_of_its_own_shape_and_no_others(tmp_path):
    try:
        models = import_module("torchvision.models.optical_flow")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision does not load: {error}")
    torch.manual_seed(0)
    right, wrong = tmp_path / "right.pth", tmp_path / "wrong.pth"
    torch.save(models.raft_small(weights=None).state_dict(), right)
    torch.save({"x": torch.zeros(1)}, wrong)
    image = np.random.default_rng(0).integers(0, 255, (132, 150, 3), np.uint8)
    flow = raft_flow("raft_small", str(right), updates=1)(image, image)
    assert flow.shape == (132, 150, 2) and np.isfinite(flow).all()
    with pytest.raises(ValueError, match="holds no weights of raft_small"):
        raft_flow("raft_small", str(wrong))


def test_the_stop_rule_ends_at_rest_on_alike_images_only(environment):
    image = environment.desired_image
    stop = SsimStop(image)
    states = [stop.update(image) for _ in range(STEPS + 1)]
    assert states[STEPS - 1] is Status.SERVOING and states[STEPS] is Status.CONVERGED
    assert stop.error < 1e-6
    away = SsimStop(image)
    assert all(away.update(environment.image()) is Status.SERVOING for _ in range(2 * STEPS))
    assert away.error > 0.4


def test_the_stop_rule_waits_while_the_images_grow_more_alike(environment):
    image = environment.desired_image
    blurred = [cv2.GaussianBlur(image, (0, 0), s) for s in np.linspace(1.5, 0.4, 2 * STEPS)]
    stop = SsimStop(image)
    assert all(stop.update(each) is Status.SERVOING for each in blurred)
    assert stop.error < 0.1
