"""Structure from the camera's own motion: what is found, what is refused, and honest bounds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support_structure import GOAL, START, World, errors, follow, way

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous
from cns_core.structure import symmetric
from cns_core.structure.camera_track import CameraTrack
from cns_core.structure.estimate import bound
from cns_core.structure.estimator import StructureEstimator
from cns_core.structure.goal import Sightings, first_guess, fit_goal
from cns_core.structure.localisation import localise
from cns_core.structure.point_map import PointMap
from cns_core.structure.projection import by_twist, median, project, whiten
from cns_core.structure.settings import StructureSettings

NEAR = GOAL @ se3.exp([0.01, -0.005, 0.008, 0.01, 0.02, -0.03])
EXACT = {"noise_px": 0.0, "bias_px": 0.0}


def directions(image, T):
    rays = homogeneous(image)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True) @ T[:3, :3].T


def test_derivatives_of_the_projection_agree_with_differences():
    local = np.random.default_rng(0).uniform([-0.2, -0.2, 0.4], [0.2, 0.2, 0.8], (5, 3))
    image, by_point = project(local)
    for axis, step in enumerate(1e-7 * np.eye(6)):
        T = se3.exp(step)
        moved = project(local @ T[:3, :3].T + T[:3, 3])[0]
        derivative = by_twist(local, by_point)[:, :, axis]
        np.testing.assert_allclose(derivative, (moved - image) / 1e-7, atol=1e-5)


def test_whitened_residuals_have_the_distance_of_their_covariance():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(7, 2, 2))
    covariance, residual = root @ root.transpose(0, 2, 1), rng.normal(size=(7, 2))
    white, J = whiten(residual, np.tile(np.eye(2), (7, 1, 1)), covariance)
    expected = np.einsum("ni,nij,nj->n", residual, np.linalg.inv(covariance), residual)
    np.testing.assert_allclose((white**2).sum(axis=1), expected)
    np.testing.assert_allclose(J.transpose(0, 2, 1) @ J, np.linalg.inv(covariance), rtol=1e-9)


def watched(world, poses, matched=None, points=None):
    point_map = PointMap(len(world.points))
    everything = np.ones(len(world.points), bool)
    for n, T in enumerate(poses):
        rays = directions(world.see(T, None if points is None else points(n)), T)
        seen = everything if matched is None else matched(n)
        rests = n > 0 and T is poses[n - 1]
        point_map.observe(T[:3, 3], rays, seen, 1e-4, 0.5, newness=0.0 if rests else 1.0)
    return point_map


def test_points_are_where_their_lines_of_sight_meet():
    world = World(count=300, bias_px=0.0)
    poses = way(START, NEAR)
    point_map = watched(world, poses)
    assert point_map.known(poses[-1][:3, 3]).all()
    assert np.median(np.linalg.norm(point_map.points - world.points, axis=1)) < 5e-4


@pytest.mark.parametrize("digits", [4, 6])
def test_poses_that_are_rounded_serve_as_well(digits):
    class Rounded(World):
        def odometry(self, T):
            return super().odometry(T).round(digits)

    estimate = follow(Rounded(), way(START, NEAR)).estimate
    translation, rotation = errors(estimate, NEAR, GOAL)
    assert translation < 2e-3 and np.degrees(rotation) < 0.1
    assert estimate.good > 100


def test_a_point_out_of_sight_keeps_its_place():
    world = World(count=20)
    poses = way(START, NEAR)
    known = watched(world, poses, lambda n: (np.arange(20) >= 5) | (n < 25)).known(poses[-1][:3, 3])
    assert known.all()


def test_a_point_found_elsewhere_after_a_while_is_triangulated_anew():
    world = World(count=60, bias_px=0.0)
    elsewhere = np.arange(60) < 10
    poses = way(START, NEAR)
    point_map = watched(
        world,
        poses,
        lambda n: ~elsewhere | (n < 15) | (n > 20),
        lambda n: world.points + np.outer(elsewhere & (n > 20), [0.04, 0.0, 0.0]),
    )
    shift = (point_map.points - world.points)[elsewhere, 0]
    assert np.abs(shift - 0.04).max() < 0.01


def test_mismatches_that_come_and_go_while_the_camera_rests_cost_no_point():
    world = World(count=60)
    poses = way(START, NEAR)
    moving, poses = len(poses), [*poses, *[poses[-1]] * 330]

    def points(n):
        wrong = (n >= moving) & (np.arange(60) // 6 == (n - moving) // 30)
        return np.where(wrong[:, None], world.points[::-1], world.points)

    assert watched(world, poses, points=points).known(poses[-1][:3, 3]).all()


def test_what_moves_is_found_out():
    world = World(count=60, bias_px=0.0)
    moving = np.arange(60) < 10

    def points(n):
        return world.points + np.outer(moving, [0.03 * np.sin(0.4 * n), 0.0, 0.0])

    poses = way(START, NEAR)
    known = watched(world, poses, points=points).known(poses[-1][:3, 3])
    assert not known[moving].any()
    assert known[~moving].all()


def test_a_camera_is_found_in_the_map_though_odometry_erred():
    world = World(**EXACT)
    off = se3.exp([2e-3, -1e-3, 1e-3, 1e-3, -2e-3, 1e-3])
    covariance = np.tile(1e-10 * np.eye(3), (len(world.points), 1, 1))
    placed = localise(
        NEAR @ off, np.full(6, 2e-3), world.points, covariance, world.exact(NEAR), 1e-5
    )
    np.testing.assert_allclose(placed.T, NEAR, atol=1e-6)
    assert placed.telling > 5.9
    assert 0.3 < placed.odometry_error < 1.5


def test_odometry_decides_what_the_map_does_not_tell():
    world = World(**EXACT)
    vague = np.tile(np.eye(3), (len(world.points), 1, 1))
    placed = localise(NEAR, np.full(6, 1e-4), world.points, vague, world.exact(START), 1e-5)
    np.testing.assert_allclose(placed.T, NEAR, atol=1e-4)
    assert placed.telling < 0.1


def sightings(world, T, depth_error=0.0, deviation=1e-3):
    depth = ((world.points - T[:3, 3]) @ T[:3, :3])[:, 2]
    depth *= 1.0 + depth_error * world.rng.normal(size=len(depth))
    return Sightings(world.see(T), world.desired, depth, deviation * depth)


def test_the_goal_is_found_from_nothing_and_through_wrong_matches():
    world = World(**EXACT)
    seen = sightings(world, START)
    seen.current[:30] = world.rng.uniform(-0.3, 0.3, (30, 2))
    guess = first_guess(seen, 2e-3)
    fit = fit_goal(guess, seen, 1e-4)
    np.testing.assert_allclose(fit.T_goal_current, se3.inverse(GOAL) @ START, atol=1e-5)
    assert (fit.distance[30:] < 1e-2).all()


def test_no_goal_is_found_among_nonsense():
    world = World()
    seen = sightings(world, START)
    seen.current[:] = world.rng.uniform(-0.3, 0.3, seen.current.shape)
    guess = first_guess(seen, 2e-3)
    assert guess is None or (fit_goal(guess, seen, 1e-4).distance < 4.0).mean() < 0.2


def test_at_the_goal_no_way_is_left_however_wrong_the_depths():
    world = World(**EXACT)
    fit = fit_goal(se3.exp([2e-3, 0, 1e-3, 0, 1e-3, 0]), sightings(world, GOAL, 0.2, 0.2), 1e-4)
    np.testing.assert_allclose(fit.T_goal_current, np.eye(4), atol=1e-7)


@pytest.mark.parametrize("end", [START, NEAR, GOAL])
def test_the_way_left_is_known_within_its_bounds(end):
    poses = way(START @ se3.exp([0.05, 0.05, 0.0, 0.0, 0.0, 0.3]), end)
    estimate = follow(World(), poses).estimate
    translation, rotation = errors(estimate, end, GOAL)
    assert translation < estimate.translation_bound_m() < 6e-4 + 0.1 * estimate.translation_m
    assert rotation < estimate.rotation_bound_rad()
    assert estimate.scale == pytest.approx(0.6, rel=0.05)


def test_wrong_matches_and_moving_points_do_not_bend_the_way():
    world = World(3)
    wrong, moving = np.arange(120) < 20, np.arange(120) >= 105
    estimator = StructureEstimator()
    estimator.start(world.desired)
    still = world.points.copy()
    for n, T in enumerate(way(START, NEAR)):
        world.points = still + np.outer(moving, [0.0, 0.04 * np.sin(0.3 * n), 0.0])
        estimate = estimator.update(world.matches(T, wrong), world.odometry(T))
    translation, rotation = errors(estimate, NEAR, GOAL)
    assert translation < max(5e-4, estimate.translation_bound_m())
    assert np.degrees(rotation) < 0.05
    assert 80 < estimate.good <= 105


@pytest.mark.parametrize("seed", range(3))
def test_turning_about_the_own_centre_tells_no_distance(seed):
    poses = way(START, START @ se3.exp([0.0, 0.0, 0.0, 0.1, -0.2, -0.5]))
    estimate = follow(World(seed), poses).estimate
    assert estimate is None or estimate.deviation > 0.25 * estimate.size


def test_resting_tells_no_distance():
    assert follow(World(), [GOAL] * 40).estimate is None


def test_odometry_that_stands_still_is_not_believed():
    world = World()
    estimator = StructureEstimator()
    estimator.start(world.desired)
    for T in way(START, NEAR):
        estimate = estimator.update(world.matches(T), START)
        assert estimate is None or estimate.deviation > 0.25 * estimate.size


def test_metres_are_those_of_the_odometry():
    world = World()
    estimator = StructureEstimator()
    estimator.start(world.desired)
    for T in way(START, NEAR):
        told = world.odometry(T)
        told[:3, 3] *= 0.5
        estimate = estimator.update(world.matches(T), told)
    assert estimate.scale == pytest.approx(0.3, rel=0.05)


def test_a_wrong_mounting_does_not_move_the_goal():
    world = World()
    mounting = se3.pose(Rotation.from_rotvec([0.05, -0.06, 0.04]), (0.006, -0.005, 0.006))
    estimator = StructureEstimator()
    estimator.start(world.desired)
    end = GOAL @ se3.exp(0.01 * np.array([0.06, 0.03, -0.05, 0.1, -0.05, 0.1]))
    for T in way(START, end):
        estimate = estimator.update(world.matches(T), world.odometry(T) @ mounting)
    assert errors(estimate, end, GOAL)[0] < 3e-4


def test_a_scene_that_moved_is_mapped_anew():
    world = World()
    estimator = follow(world, way(START, NEAR))
    away = se3.exp([0.05, 0.02, 0.0, 0.0, 0.0, 0.2])
    world.points = world.points @ away[:3, :3].T + away[:3, 3]
    world.goal = away @ GOAL
    told = [estimator.update(world.matches(NEAR), world.odometry(NEAR)) for _ in range(6)]
    assert told[-1] is None
    back = way(NEAR, START)
    estimate = follow(world, back, estimator).estimate
    assert errors(estimate, back[-1], world.goal)[0] < 2.0 * estimate.translation_bound_m()


def test_odometry_that_jumps_is_not_taken_for_motion():
    world = World()
    estimator = follow(world, way(START, NEAR))
    jump = se3.pose(translation=(0.5, 0.0, 0.0))
    for _ in range(12):
        estimate = estimator.update(world.matches(NEAR), jump @ world.odometry(NEAR))
        if estimate is not None:
            assert errors(estimate, NEAR, GOAL)[0] < 1e-3


@pytest.mark.parametrize("pose", [np.eye(3), np.full((4, 4), np.nan)])
def test_what_is_no_pose_is_refused(pose):
    world = World()
    estimator = StructureEstimator()
    estimator.start(world.desired)
    with pytest.raises(ValueError, match="pose must be"):
        estimator.update(world.matches(START), pose)


def test_frames_without_a_match_do_no_harm():
    world = World()
    estimator = follow(world, way(START, NEAR)[:20])
    nothing = np.zeros(len(world.points), bool)
    blind = Correspondence(world.desired, np.zeros_like(world.desired), nothing)
    assert estimator.update(blind, START) is None
    for _ in range(10):
        estimator.update(blind, START)
    assert follow(world, way(START, NEAR), estimator).estimate is not None


def test_settings_name_what_they_refuse():
    with pytest.raises(ValueError, match="memory_frames"):
        StructureSettings(memory_frames=0.0)


@pytest.mark.parametrize("spread", [(1.0, 1.0, 1.0), (1.0, 0.1, 0.1), (1.0, 1.0, 0.01)])
def test_the_bound_of_a_gaussian_holds_for_95_percent(spread):
    drawn = np.random.default_rng(0).normal(size=(20000, 3)) * spread
    inside = np.linalg.norm(drawn, axis=1) < bound(np.diag(np.square(spread)))
    assert 0.94 < inside.mean() < 0.965


@pytest.mark.slow
def test_the_bounds_hold_for_95_percent_of_ends_and_are_no_excuse():
    inside, share = [], []
    for seed in range(100):
        rng = np.random.default_rng(1000 + seed)
        off = rng.normal(size=6)
        off *= 10.0 ** rng.uniform(-4.0, -1.3) / np.linalg.norm(off)
        end = GOAL @ se3.exp(off * [0.6, 0.6, 0.6, 1.0, 1.0, 1.0])
        start = GOAL @ se3.exp(rng.normal(size=6) * [0.08, 0.08, 0.08, 0.15, 0.15, 0.5])
        world = World(seed, count=int(rng.integers(20, 80)), objects=3, shared=0.8)
        estimate = follow(world, way(start, end, frames=30)).estimate
        found = np.array(errors(estimate, end, GOAL))
        bounds = np.array([estimate.translation_bound_m(), estimate.rotation_bound_rad()])
        inside.append(found < bounds)
        share.append(found / bounds)
    assert (np.mean(inside, axis=0) >= 0.93).all()
    assert (np.mean(inside, axis=0) <= 0.99).all()
    assert (np.median(share, axis=0) > 0.2).all()


def test_what_neighbours_share_moves_the_goal_as_the_bounds_say():
    world, noise = World(**EXACT), 1e-4
    seen = sightings(world, NEAR)
    exact = fit_goal(se3.inverse(GOAL) @ NEAR, seen, noise)
    centred = seen.desired - seen.desired.mean(axis=0)
    changes = [np.ones(len(centred)), *(centred / centred.std(axis=0)).T]
    total = np.zeros((6, 6))
    for change in changes:
        for direction in np.eye(2):
            bent = replace(seen, desired=seen.desired + noise * np.outer(change, direction))
            fit = fit_goal(exact.T_goal_current, bent, noise)
            moved = se3.log(fit.T_goal_current @ se3.inverse(exact.T_goal_current))
            total += np.outer(moved, moved)
    scale = np.sqrt(np.diag(total))
    shared = exact.by_image / np.outer(scale, scale)
    np.testing.assert_allclose(shared, total / np.outer(scale, scale), atol=0.2)
    assert np.trace(exact.by_image) > 10.0 * np.trace(exact.independent)


def test_a_camera_is_followed_through_the_map_though_odometry_is_short():
    world = World(bias_px=0.0)
    point_map, track = PointMap(len(world.points)), CameraTrack(StructureSettings())
    told, T_before = START, START
    for n, T in enumerate(way(START, NEAR)):
        increment = se3.log(se3.inverse(T_before) @ T)
        told, T_before = told @ se3.exp(increment if n < 20 else 0.8 * increment), T
        seen = world.matches(T)
        found = track.follow(point_map, seen, told, 1e-4, 0.6)
        point_map.observe(found[:3, 3], directions(seen.current, found), seen.matched, 1e-4, 0.6)
    off_m = se3.translation_error_m(told, NEAR)
    assert se3.translation_error_m(found, NEAR) < 0.3 * off_m
    assert off_m > 3e-3


def test_symmetric_matrices_by_rows_are_those_of_numpy():
    rng = np.random.default_rng(0)
    vectors, turned = rng.normal(size=(2, 3, 5))
    rows = symmetric.outer(vectors) + symmetric.outer(turned)
    rows[symmetric.DIAGONAL] += 0.1
    whole = symmetric.full(rows).transpose(2, 0, 1)
    column = vectors.T[:, :, None]
    np.testing.assert_allclose(whole, whole.transpose(0, 2, 1))
    np.testing.assert_allclose(symmetric.times(rows, vectors).T, (whole @ column)[:, :, 0])
    np.testing.assert_allclose(
        symmetric.along(rows, vectors), (column.transpose(0, 2, 1) @ whole @ column).ravel()
    )
    inverse = symmetric.full(symmetric.inverse(rows, 0.1)).transpose(2, 0, 1)
    np.testing.assert_allclose(inverse, np.linalg.inv(whole), rtol=1e-9)


def test_inverses_stay_positive_where_rounding_has_taken_all_that_is_small():
    ray = np.array([[0.6], [0.48], [0.64]])
    rows = -1e18 * symmetric.outer(ray)
    rows[symmetric.DIAGONAL] += 1e18 + 1.0
    inverse = symmetric.inverse(rows, 1.0)
    assert (symmetric.along(inverse, np.eye(3)[:, :, None]) > 0.0).all()


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_medians_are_those_of_numpy(count):
    values = np.random.default_rng(count).normal(size=count)
    assert median(values) == np.median(values)


def test_a_map_of_a_wrong_scale_takes_the_one_that_odometry_tells():
    """What is seen fits a map of any scale, and a map that is precise holds on to its own."""
    world, middle = World(), GOAL @ se3.exp([0.05, -0.04, -0.05, 0.1, -0.1, 0.3])
    estimator = StructureEstimator()
    estimator.start(world.desired)
    for T in way(START, middle):
        short = world.odometry(T)
        short[:3, 3] = START[:3, 3] + 0.4 * (short[:3, 3] - START[:3, 3])
        estimate = estimator.update(world.matches(T), short)
    distance = float(np.linalg.norm(world.points.mean(axis=0) - GOAL[:3, 3]))
    assert estimate.scale < 0.6 * distance
    offset = short[:3, 3] - middle[:3, 3]
    for T in way(middle, NEAR):
        told = world.odometry(T)
        told[:3, 3] += offset
        estimate = estimator.update(world.matches(T), told)
    assert estimate.scale == pytest.approx(distance, rel=0.15)


def test_odometry_that_only_rattles_tells_no_scale():
    """A frozen one: its noise is no baseline, however long it is watched."""
    world, rng = World(), np.random.default_rng(0)
    estimator = StructureEstimator()
    estimator.start(world.desired)
    for T in [*way(START, GOAL, 60), *[GOAL] * 150]:
        noise = np.r_[rng.normal(0.0, 2e-5, 3), rng.normal(0.0, 1.7e-4, 3)]
        assert estimator.update(world.matches(T), START @ se3.exp(noise)) is None


def test_stated_deviations_sharpen_the_way():
    """Two of three keypoints are vague, by less than would make them stand out."""
    vague = np.arange(120) % 3 > 0
    deviation = np.where(vague, 1.5e-3, 5e-5)

    def error_m(seed, stated):
        world, rng = World(seed), np.random.default_rng(seed)
        estimator = StructureEstimator()
        estimator.start(world.desired)
        for T in way(START, NEAR):
            seen = world.matches(T)
            current = seen.current + vague[:, None] * rng.normal(0.0, 1.5e-3, (120, 2))
            seen = replace(seen, current=current, deviation=deviation if stated else np.nan)
            estimator.update(seen, world.odometry(T))
        return errors(estimator.estimate, NEAR, GOAL)[0]

    unstated, stated = (np.mean([error_m(seed, told) for seed in range(4)]) for told in (0, 1))
    assert stated < 0.7 * unstated
