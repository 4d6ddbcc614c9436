"""The poster protocol: its starts, its corruption, and an episode on it."""

import numpy as np
import pytest

from cns_core.bench.loop.conditions import conditions_of
from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Spec
from cns_core.bench.loop.poster import (
    CAMERA,
    HEIGHT_M,
    STARTS,
    corrupt,
    goal,
    poster_environment,
    start,
)
from cns_core.geometry import se3


def test_starts_lie_in_the_box_and_look_at_points_on_the_circles():
    radii, rolls = [], []
    for index in range(STARTS):
        T = start(index)
        assert np.allclose(T[:3, :3].T @ T[:3, :3], np.eye(3)) and np.linalg.det(T) > 0
        assert (abs(T[:3, 3] - [0, 0, HEIGHT_M]) <= [0.6, 0.6, 0.15]).all()
        ray = T[:3, 2]
        at = T[:3, 3] - ray * T[2, 3] / ray[2]
        radii.append(np.hypot(*at[:2]))
        rolls.append(se3.rotation_error_deg(goal(), T))
    assert np.allclose(np.unique(np.round(radii, 6)), [0.08, 0.16, 0.24, 0.32])
    assert [np.sum(np.isclose(radii, r)) for r in (0.08, 0.32)] == [125, 125]
    assert np.mean(rolls) == pytest.approx(74, abs=3) and max(rolls) > 135
    # The first few are a fair sample of all.
    assert np.mean(rolls[:40]) == pytest.approx(np.mean(rolls), abs=10)


def test_a_corrupted_print_differs_as_published():
    print_ = np.full((180, 240, 3), 120, np.uint8)
    print_[:, 120:] = 180
    erased, brightness = [], []
    for seed in range(60):
        changed = corrupt(print_, np.random.default_rng(seed)).astype(float)
        assert changed.shape == print_.shape and changed.std() > 8.0
        dark = (changed.mean(axis=2) < 30).mean()
        erased.append(dark > 0.015)
        brightness.append(changed.mean() / print_.mean())
    assert 0.3 < np.mean(erased) < 0.75
    assert min(brightness) < 0.6 and max(brightness) > 1.25


@pytest.mark.slow
def test_the_goal_image_is_of_the_clean_print():
    clean = poster_environment("A", 1, conditions_of("none"))
    corrupted = poster_environment("A", 1, conditions_of("corrupted-print"))
    assert clean.desired_image.shape == (CAMERA.height, CAMERA.width, 3)
    assert np.abs(corrupted.desired_image.astype(int) - clean.desired_image).mean() < 3.0
    assert np.abs(corrupted.image().astype(int) - clean.image()).mean() > 5.0


@pytest.mark.slow
def test_an_episode_may_take_as_many_steps_as_published():
    spec = Spec("poster", "A", 1, "ibvs-gain-0.2", "truth")
    record, _ = run_episode(spec)
    assert record["status"] == "converged" and 600 < record["steps"] <= 1500
