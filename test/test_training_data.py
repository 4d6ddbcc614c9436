"""The simulated keypoints and their non-idealities, part by part (paper, section IV)."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from cns_core.control.pbvs import pbvs_twist
from cns_core.geometry import se3
from cns_core.simulation import (
    camera_poses,
    clustering,
    mismatches,
    observability,
    perlin,
    scenes,
    supervisor,
    tensor_se3,
)
from cns_core.simulation.draw import Draw
from cns_core.training import losses


@pytest.fixture
def draw():
    return Draw(0)


def random_rotations(count, seed=0):
    matrices = Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix()
    return torch.tensor(matrices, dtype=torch.float32)


def test_rotation_log_inverts_exp_up_to_half_a_turn(draw):
    axis = torch.nn.functional.normalize(draw.normal(200, 3), dim=-1)
    angle = torch.cat([draw.uniform(0, 1e-3, 50), draw.uniform(0, 3.14, 150)])
    rotvec = axis * angle[:, None]
    back = tensor_se3.rotation_log(tensor_se3.rotation_exp(rotvec))
    torch.testing.assert_close(back, rotvec, atol=2e-3, rtol=0)


def test_move_is_the_exponential_of_se3(draw):
    twist = draw.normal(20, 6)
    R, t = random_rotations(20), draw.normal(20, 3)
    R_new, t_new = tensor_se3.move(R, t, twist, 0.3)
    for i in range(20):
        T = se3.pose(R[i].double().numpy(), t[i].numpy()) @ se3.exp(0.3 * twist[i].numpy())
        np.testing.assert_allclose(R_new[i], T[:3, :3], atol=1e-5)
        np.testing.assert_allclose(t_new[i], T[:3, 3], atol=1e-5)


def test_elliptic_cylinder_is_filled_uniformly(draw):
    n = 20000
    points = scenes.elliptic_cylinder(
        draw, torch.full((n,), 0.3), torch.full((n,), 0.1), torch.full((n,), 0.05)
    )
    inside = (points[:, 0] / 0.3) ** 2 + (points[:, 1] / 0.1) ** 2
    assert inside.max() <= 1.0 + 1e-6 and points[:, 2].abs().max() <= 0.025
    # Uniform in the disk: the squared radius is uniform in 0..1.
    assert abs(inside.mean() - 0.5) < 0.02 and abs(points[:, 2].mean()) < 0.001


def test_half_of_the_scenes_are_clustered(draw):
    count = torch.full((400,), 128)
    points = scenes.sample_scenes(draw, count, torch.full((400,), 0.2), torch.full((400,), 0.1))
    assert points.shape == (400, 128, 3) and torch.isfinite(points).all()
    nearest = torch.cdist(points, points).topk(2, largest=False).values[..., 1].mean(dim=1)
    uniform = scenes.elliptic_cylinder(
        draw, torch.full((400, 128), 0.2), torch.full((400, 128), 0.2), torch.full((400, 128), 0.1)
    )
    spacing = torch.cdist(uniform, uniform).topk(2, largest=False).values[..., 1].mean(dim=1)
    assert 0.3 < (nearest < spacing.min()).float().mean() < 0.6


def test_every_rotation_about_the_optical_axis_occurs(draw):
    distance = torch.full((2000,), 0.7)
    goal = camera_poses.hemisphere_pose(draw, distance, (70, 90), 15, 5)
    start = camera_poses.hemisphere_pose(draw, distance, (30, 90), 60, 10)
    turn = tensor_se3.rotation_log(goal[0].mT @ start[0])[:, 2]
    histogram = torch.histc(turn, 8, -math.pi, math.pi) / 2000
    assert histogram.min() > 0.08


def test_hemisphere_cameras_look_at_the_scene(draw):
    R, t = camera_poses.hemisphere_pose(draw, torch.full((500,), 0.7), (30, 90), 60, 0)
    assert torch.allclose(t.norm(dim=-1), torch.tensor(0.7), atol=1e-5)
    assert t[:, 2].min() >= 0.7 * math.sin(math.radians(30)) - 1e-4
    torch.testing.assert_close(R[:, :, 2], -t / 0.7, atol=1e-5, rtol=0)


def test_aimed_camera_sees_the_centre_where_the_goal_does(draw):
    goal = camera_poses.hemisphere_pose(draw, torch.full((50,), 0.6), (70, 90), 15, 5)
    R, t = camera_poses.hemisphere_pose(draw, torch.full((50,), 0.8), (30, 90), 60, 10)
    center = 0.05 * draw.normal(50, 3)
    turned = camera_poses.aim(R, t, *goal, center)
    now = (turned.mT @ (center - t)[..., None]).squeeze(-1)
    wanted = (goal[0].mT @ (center - goal[1])[..., None]).squeeze(-1)
    cosine = torch.nn.functional.cosine_similarity(now, wanted)
    assert cosine.min() > 1 - 1e-5


def test_perlin_noise_is_smooth_and_zero_at_the_integers(draw):
    gradients = draw.uniform(-1, 1, 1, 8)
    x = torch.linspace(0, 16, 4001)
    y = perlin.perlin_1d(gradients.expand(4001, 8), x)
    assert y[::250].abs().max() < 1e-6
    assert y.abs().max() <= 0.5
    assert y.diff().abs().max() < 0.02 and y.diff().diff().abs().max() < 2e-4
    torch.testing.assert_close(y[:2000], y[2000:4000], atol=1e-5, rtol=0)


def test_travel_is_eq_6():
    value = observability.travel(
        torch.tensor([[0.0, math.pi, 0.0]]), torch.tensor([[0.3, 0.0, 0.4]]), torch.tensor([0.2])
    )
    assert value.item() == pytest.approx(0.2 + 0.2 / 0.2 * 0.5)


def test_observable_probability_is_eq_5():
    centers = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]]])
    p = observability.observable_probability(
        torch.tensor([[0.8, 0.0]]), centers, torch.tensor([0.2])
    )
    assert p.item() == pytest.approx(math.exp(-0.5))


def test_kinetic_monte_carlo_sees_a_keypoint_for_its_share_of_the_time(draw):
    p = torch.linspace(0.1, 0.9, 9).repeat(400)
    state = draw.chance(0.5, len(p))
    seen = torch.zeros_like(p)
    for _ in range(400):
        state = observability.kinetic_monte_carlo(draw, state, p, torch.full_like(p, 0.5), 0.04)
        seen += state
    share = (seen / 400).reshape(400, 9).mean(dim=0)
    torch.testing.assert_close(share, p[:9], atol=0.05, rtol=0)


def test_at_least_a_share_stays_observable_and_the_best_first(draw):
    env = torch.repeat_interleave(torch.tensor([10, 4, 100]))
    counts = torch.tensor([10, 4, 100])
    score = draw.uniform(0, 1, len(env))
    kept = observability.keep_at_least(
        torch.zeros(len(env), dtype=torch.bool), score, env, counts, 0.2, 4
    )
    assert torch.bincount(env[kept], minlength=3).tolist() == [4, 4, 20]
    assert score[kept & (env == 2)].min() > score[~kept & (env == 2)].max()
    everything = torch.ones_like(kept)
    assert observability.keep_at_least(everything, score, env, counts, 0.2, 4).all()


def test_lasting_mismatches_reach_their_share_within_their_scene(draw):
    counts = torch.tensor([50, 150])
    env = torch.repeat_interleave(counts)
    partner = own = torch.arange(200)
    share = torch.tensor([0.1, 0.3])[env]
    wrong = torch.zeros(200)
    for step in range(1500):
        partner = mismatches.exchange(draw, partner, env, counts, share, hold_s=0.4, dt_s=0.04)
        assert (env[partner] == env).all()
        wrong += (partner != own) if step >= 100 else 0
    wrong /= 1400
    assert wrong[:50].mean().item() == pytest.approx(0.1, abs=0.02)
    assert wrong[50:].mean().item() == pytest.approx(0.3, abs=0.03)


def test_scattered_mismatches_and_jitter_have_their_size(draw):
    current = torch.full((20000, 2), 9.0)
    half = torch.tensor([0.6, 0.4]).expand(20000, 2)
    out = mismatches.scatter(draw, current, torch.full((20000,), 0.1), half)
    hit = out[:, 0] != 9.0
    assert hit.float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert (out[hit].abs() <= half[hit]).all()
    noise = mismatches.jitter(draw, current, torch.full((20000,), 0.01)) - 9.0
    assert noise.std().item() == pytest.approx(0.01, rel=0.05)


def test_supervision_is_that_of_the_pbvs_controller(draw):
    R, t = random_rotations(10), draw.normal(10, 3)
    R_goal, t_goal = random_rotations(10, seed=1), draw.normal(10, 3)
    twists = supervisor.pbvs(R, t, R_goal, t_goal)
    for i in range(10):
        goal = se3.pose(R_goal[i].double().numpy(), t_goal[i].numpy())
        now = se3.pose(R[i].double().numpy(), t[i].numpy())
        np.testing.assert_allclose(twists[i], pbvs_twist(se3.inverse(goal) @ now), atol=1e-4)


@pytest.mark.parametrize("threshold_deg", [-1e4, 30.0, 1e4])
def test_supervision_reaches_the_goal(draw, threshold_deg):
    R, t = camera_poses.hemisphere_pose(draw, torch.full((30,), 0.8), (30, 90), 60, 10)
    goal = camera_poses.hemisphere_pose(draw, torch.full((30,), 0.6), (70, 90), 15, 5)
    center = torch.zeros(30, 3)
    for _ in range(250):
        straight = supervisor.pbvs(R, t, *goal)
        in_view = supervisor.pbvs_in_view(R, t, *goal, center)
        R, t = tensor_se3.move(R, t, supervisor.blend(straight, in_view, threshold_deg), 0.04)
    R_error, t_error = tensor_se3.relative(*goal, R, t)
    assert tensor_se3.rotation_log(R_error).norm(dim=-1).max() < 2e-3
    assert t_error.norm(dim=-1).max() < 1e-3


def test_in_view_supervision_moves_the_centre_along_a_line(draw):
    R, t = camera_poses.hemisphere_pose(draw, torch.full((20,), 0.8), (40, 90), 60, 10)
    goal = camera_poses.hemisphere_pose(draw, torch.full((20,), 0.6), (70, 90), 15, 5)
    center = 0.05 * draw.normal(20, 3)

    def local(R, t):
        return (R.mT @ (center - t)[..., None]).squeeze(-1)

    start, end = local(R, t), local(*goal)
    twist = supervisor.pbvs_in_view(R, t, *goal, center)
    moved = local(*tensor_se3.move(R, t, twist, 1e-3)) - start
    torch.testing.assert_close(moved, 1e-3 * (end - start), atol=2e-6, rtol=0)


def test_decoupling_divides_the_linear_half_only():
    twist = supervisor.decouple(torch.ones(1, 6), torch.tensor([0.5]))
    assert twist.tolist() == [[2, 2, 2, 1, 1, 1]]


def test_losses_are_eq_4():
    supervision = torch.tensor([[0.3, 0, 0, 0, 0, 0.4], [3.0, 0, 0, 0, 4.0, 0]])
    norm = losses.inverse_norm(supervision.norm(dim=-1))
    assert norm.tolist() == pytest.approx([math.log(0.5), 4.0])
    torch.testing.assert_close(1 + torch.nn.functional.elu(norm), torch.tensor([0.5, 5.0]))
    direction, size = losses.servo_losses(2 * supervision, norm[:, None] + 0.5, supervision)
    assert direction.abs().max() < 1e-6
    assert size.tolist() == pytest.approx([0.25, 0.25])


def test_batched_clusters_are_compact_and_centred_on_members(draw):
    counts = torch.tensor([5, 60, 200])
    scene = torch.repeat_interleave(counts)
    points = draw.uniform(-0.5, 0.5, 265, 2)
    padded = torch.zeros(3, 200, 2)
    column = torch.arange(265) - (counts.cumsum(0) - counts)[scene]
    padded[scene, column] = points
    wanted = clustering.cluster_counts(draw, counts)
    labels = clustering.kmeans(padded, counts, wanted)[scene, column]
    labels, sizes = clustering.compact(labels, scene, 3)
    assert sizes[0] == 5 and (sizes <= wanted).all()
    owner = (sizes.cumsum(0) - sizes)[scene] + labels
    assert owner.unique().tolist() == list(range(int(sizes.sum())))
    order = owner.argsort(stable=True)
    points, owner = points[order], owner[order]
    center = clustering.centers(points, owner, int(sizes.sum()))
    assert (owner[center] == torch.arange(int(sizes.sum()))).all()
    for c in range(int(sizes.sum())):
        member = points[owner == c]
        distance = (member - member.mean(dim=0)).norm(dim=-1)
        chosen = (points[center[c]] - member.mean(dim=0)).norm()
        assert chosen <= distance.min() + 1e-6
