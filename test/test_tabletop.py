"""The bare table of few objects: keypoints, round things, shadows, edges without a filter."""

import numpy as np
import pytest

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import (
    CAMERA,
    TABLETOP_KEYPOINTS,
    ImageEnvironment,
    tabletop_environment,
)
from cns_core.geometry import se3
from cns_core.observers import make_observer
from cns_core.twin.world.render import render
from cns_core.twin.world.round_solid import SIDES, round_solid
from cns_core.twin.world.tabletop import TABLE_M, Tabletop

ABOVE = se3.look_at((0.05, -0.1, 0.6), (0, 0, 0))
SIDE = se3.look_at((0.45, 0.0, 0.15), (0, 0, 0.05))
UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def scene():
    return Tabletop(3)


def test_a_seed_makes_a_scene(scene):
    first = scene.render(ABOVE, CAMERA)
    assert np.array_equal(first, Tabletop(3).render(ABOVE, CAMERA))
    assert not np.array_equal(first, Tabletop(4).render(ABOVE, CAMERA))
    assert 8 <= len(scene.solids) - 1 <= 12


def test_scenes_hold_boxes_and_round_things_low_and_tall():
    things = [thing for seed in range(4) for thing in Tabletop(seed).solids[1:]]
    round_ones = sum(len(thing.faces) > SIDES for thing in things)
    assert 0.15 * len(things) < round_ones < 0.75 * len(things)
    heights = [thing.vertices[:, 2].max() for thing in things]
    assert min(heights) < 0.06 and max(heights) > 0.12
    assert min(thing.vertices[:, 2].min() for thing in things) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("index", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_goal_shows_as_many_keypoints_as_asked_for(index):
    environment = tabletop_environment("S", index, Conditions())
    finder = make_observer("sift", CAMERA, tracking=True, background=False)
    finder.set_desired(environment.desired_image)
    low, high = TABLETOP_KEYPOINTS
    assert 0.9 * low <= len(finder.desired) <= 1.1 * high  # the noise is another
    assert environment.scene.antialiased == (index == 0)


@pytest.mark.slow
def test_the_depth_is_that_of_what_is_drawn(scene):
    _, inverse = render(scene.solids, SIDE, CAMERA)
    depth = scene.depth(SIDE, CAMERA)
    hit = inverse > 0
    agree = np.abs(1.0 / inverse[hit] - depth[hit]) < 1e-3
    assert agree.mean() > 0.995  # but for pixels on edges


def test_a_picture_goes_once_around_a_round_thing():
    can = round_solid(np.random.default_rng(0), np.array([[0.05, 0.0], [0.05, 0.1]]), UP, 1600.0)
    sides = can.faces[2:]
    assert len(sides) == SIDES
    shares = [_along(face, face.loop[n]) for face in sides for n in (0, 1)]
    assert np.allclose(shares, np.repeat(np.arange(SIDES + 1), 2)[1:-1] / SIDES)
    assert len({id(face.texture) for face in sides}) == 1


def _along(face, corner):
    return (corner - face.origin) @ face.edge_u / (face.edge_u @ face.edge_u)


def test_things_throw_shadows_away_from_the_light(scene):
    table = scene.solids[0].faces[0].texture.levels[0].astype(int)
    bare = np.rint(scene.cover)
    darker = (bare - table).max(axis=2) > 20
    assert 0.005 < darker.mean() < 0.2
    row, column = np.argwhere(darker).mean(axis=0)
    middle = (np.array([column, -row]) / len(table) + (-0.5, 0.5)) * TABLE_M
    feet = np.mean([thing.centre[:2] for thing in scene.solids[1:]], axis=0)
    assert (middle - feet) @ scene.light[:2] < 0.0


def test_without_a_filter_edges_are_hard_and_textures_alias(scene):
    soft = scene.render(ABOVE, CAMERA).astype(int)
    hard = Tabletop(3, antialiased=False).render(ABOVE, CAMERA).astype(int)
    assert 0.2 < np.abs(soft - hard).mean() < 20.0
    assert np.abs(np.diff(hard, axis=1)).mean() > 1.05 * np.abs(np.diff(soft, axis=1)).mean()


def test_a_moved_thing_takes_its_shadow_along(scene):
    offset = np.array([0.03, 0.0, 0.0])
    moved = scene.with_moved(1, offset)
    assert np.allclose(moved.solids[1].centre, scene.solids[1].centre + offset)
    assert np.array_equal(moved.solids[2].vertices, scene.solids[2].vertices)
    changed = (
        moved.solids[0].faces[0].texture.levels[0] != scene.solids[0].faces[0].texture.levels[0]
    )
    assert 0.0 < changed.mean() < 0.05


def test_the_object_moves_half_way_and_not_before():
    goal = se3.look_at((0.05, -0.1, 0.6), (0, 0, 0))
    environment = ImageEnvironment(
        Tabletop(3), goal, goal, Conditions(moved_mm=30.0, noise_std=0.0), np.random.default_rng(0)
    )
    assert np.array_equal(environment.image(), environment.desired_image)
    environment.apply(np.zeros(6), 1.0)
    assert np.array_equal(environment.image(), environment.desired_image)
    environment.apply(np.zeros(6), 1.0)
    assert (environment.image() != environment.desired_image).any(axis=2).mean() > 0.002
