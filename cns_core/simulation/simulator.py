"""All environments at once: scenes, cameras and correspondences as tensors, no loop over them.

Everything of the keypoints is packed: P rows, sorted by environment and by cluster within it.
"""

import math
from dataclasses import dataclass, fields, replace

import torch

from cns_core.policy.packing import PackedGraphs, Segments
from cns_core.simulation import camera_poses as views
from cns_core.simulation import clustering, mismatches, observability
from cns_core.simulation.scenes import sample_scenes
from cns_core.simulation.supervisor import blend, decouple, pbvs, pbvs_in_view
from cns_core.simulation.tensor_se3 import move, relative, rotation_log

KERNELS = 3
NOISE_PERIOD = 8
WIDEST = 1.5
"""Largest radius of a scene over half the width that the desired image shows of it."""


@dataclass
class Environments:
    """One row for each of B environments."""

    R: torch.Tensor  # (B, 3, 3), the camera's pose
    t: torch.Tensor  # (B, 3), m
    R_start: torch.Tensor
    t_start: torch.Tensor
    R_goal: torch.Tensor
    t_goal: torch.Tensor
    center: torch.Tensor  # (B, 3) mean of the keypoints, m
    radius: torch.Tensor  # (B,) of the scene, m
    half_extent: torch.Tensor  # (B, 2) of the image, normalized plane
    middle: torch.Tensor  # (B, 2) of the desired keypoints, normalized plane
    extent: torch.Tensor  # (B, 2)
    gradients: torch.Tensor  # (B, KERNELS, 2, NOISE_PERIOD)
    phase: torch.Tensor  # (B, KERNELS, 2)
    sigma: torch.Tensor  # (B,) of the kernels
    miss: torch.Tensor  # (B,) share missed anew each frame
    lasting: torch.Tensor  # (B,) share of lasting mismatches
    fleeting: torch.Tensor  # (B,) share of mismatches drawn anew each frame
    jitter: torch.Tensor  # (B,)
    prior: torch.Tensor  # (B,) distance prior over true distance
    supervised: torch.Tensor  # (B,) bool, whether the supervisor drives
    age: torch.Tensor  # (B,) long, steps since the start
    rested: torch.Tensor  # (B,) long, steps at the goal without a break
    points: torch.Tensor  # (B,) long, number of keypoints
    clusters: torch.Tensor  # (B,) long, number of clusters

    @property
    def distance(self):
        """(B,) true distance from the desired camera to the scene centre, m."""
        return (self.center - self.t_goal).norm(dim=-1)


@dataclass
class Keypoints:
    """One row for each of P keypoints."""

    env: torch.Tensor  # (P,) long
    cluster: torch.Tensor  # (P,) long, within the environment
    is_center: torch.Tensor  # (P,) bool
    world: torch.Tensor  # (P, 3) m
    desired: torch.Tensor  # (P, 2) normalized plane
    tau: torch.Tensor  # (P,) s
    observable: torch.Tensor  # (P,) bool
    partner: torch.Tensor  # (P,) long, within the environment: which keypoint it is taken for


def _rows(record, index):
    return replace(record, **{f.name: getattr(record, f.name)[index] for f in fields(record)})


def _join(a, b):
    return replace(
        a, **{f.name: torch.cat([getattr(a, f.name), getattr(b, f.name)]) for f in fields(a)}
    )


class Simulator:
    """B environments that advance together.

    Args:
        settings: :class:`cns_core.training.settings.Settings`.
        draw: :class:`cns_core.simulation.draw.Draw`, the source of all randomness.
        cluster: gives (P,) labels of (P, 2) desired keypoints, their (P,) environments and the (B,)
            numbers of them; None for batched k-means.
    """

    def __init__(self, settings, draw, cluster=None):
        self.settings = settings
        self.draw = draw
        self.env = None
        self.key = None
        self._cluster = cluster or self._kmeans

    def reset(self, count, points):
        """Start ``count`` fresh environments with ``points`` = (fewest, most) keypoints."""
        self.env, self.key = self._fresh(count, points)

    def renew(self, which, points):
        """Replace the environments of the (B,) bool mask by fresh ones.

        Returns:
            (C,) long: for each cluster its old row, -1 where it is new; what memory to keep.
        """
        old_clusters = self.graphs().points.count
        kept = (~which).nonzero()[:, 0]
        place = torch.cat([kept, which.nonzero()[:, 0]])
        fresh_env, fresh_key = self._fresh(int(which.sum()), points)
        stays = ~which[self.key.env]
        survivors = _rows(self.key, stays)
        fresh_key = replace(fresh_key, env=place[len(kept) + fresh_key.env])
        rows = torch.arange(old_clusters, device=which.device)
        owner = torch.repeat_interleave(self.env.clusters)
        memory = torch.cat(
            [rows[~which[owner]], rows.new_full((int(fresh_env.clusters.sum()),), -1)]
        )
        order = place.argsort()
        joined = _join(_rows(self.env, kept), fresh_env)
        memory_env = torch.repeat_interleave(place, joined.clusters)
        self.env = _rows(joined, order)
        key = _join(survivors, fresh_key)
        self.key = _rows(key, key.env.argsort(stable=True))
        return memory[memory_env.argsort(stable=True)]

    def graphs(self):
        """The :class:`PackedGraphs` of all environments."""
        first = self.env.clusters.cumsum(0) - self.env.clusters
        owner = first[self.key.env] + self.key.cluster
        total = int(self.env.clusters.sum())
        return PackedGraphs(
            desired=self.key.desired,
            center_index=self.key.is_center.nonzero()[:, 0],
            points=Segments(owner, total),
            clusters=Segments(torch.repeat_interleave(self.env.clusters), len(self.env.clusters)),
        )

    def observe(self):
        """Advance the correspondences by a frame: (P, 2) current keypoints, (P,) bool matches."""
        s, env, key = self.settings.correspondence, self.env, self.key
        probability = self._probability()
        key.observable = observability.kinetic_monte_carlo(
            self.draw, key.observable, probability, key.tau, self.settings.rollout.dt_s
        )
        first = env.points.cumsum(0) - env.points
        partner = mismatches.exchange(
            self.draw,
            first[key.env] + key.partner,
            key.env,
            env.points,
            env.lasting[key.env],
            s.mismatch_hold_s,
            self.settings.rollout.dt_s,
        )
        key.partner = partner - first[key.env]
        projected, in_view = self._project(env.R, env.t)
        found = key.observable & in_view & ~self.draw.chance(env.miss[key.env], len(key.env))
        score = probability * in_view
        kept = observability.keep_at_least(
            found, score, key.env, env.points, s.fewest_share, s.fewest
        )
        current = mismatches.scatter(
            self.draw, projected[partner], env.fleeting[key.env], env.half_extent[key.env]
        )
        current = mismatches.jitter(self.draw, current, env.jitter[key.env])
        return current, kept & in_view & in_view[partner]

    def state(self):
        """All environments and keypoints as plain tensors."""
        return {"env": vars(self.env), "key": vars(self.key)}

    def load(self, state):
        """Go on from :meth:`state`."""
        self.env = Environments(**state["env"])
        self.key = Keypoints(**state["key"])

    def supervision(self):
        """(B, 6) distance-decoupled twists of the supervisor."""
        e = self.env
        straight = pbvs(e.R, e.t, e.R_goal, e.t_goal)
        in_view = pbvs_in_view(e.R, e.t, e.R_goal, e.t_goal, e.center)
        twist = blend(straight, in_view, self.settings.rollout.view_below_deg)
        return decouple(twist, e.distance)

    def advance(self, twist, supervision):
        """Move the cameras by (B, 6) decoupled twists, or the supervisor's where it drives."""
        e, r = self.env, self.settings.rollout
        command = torch.where(e.supervised[:, None], supervision, twist)
        command = command * (r.fastest / command.norm(dim=-1, keepdim=True)).clamp(max=1.0)
        linear = (e.distance * torch.where(e.supervised, 1.0, e.prior))[:, None]
        scaled = torch.cat([command[:, :3] * linear, command[:, 3:]], dim=-1)
        e.R, e.t = move(e.R, e.t, scaled, r.dt_s)
        e.age = e.age + 1
        e.rested = torch.where(self._at_goal(), e.rested + 1, 0)

    def errors(self):
        """Rotation errors in rad and translation errors in m, each (B,)."""
        e = self.env
        R, t = relative(e.R_goal, e.t_goal, e.R, e.t)
        return rotation_log(R).norm(dim=-1), t.norm(dim=-1)

    def visible(self):
        """(B,) long, keypoints in view of the current camera."""
        in_view = self._project(self.env.R, self.env.t)[1]
        return torch.bincount(self.key.env[in_view], minlength=len(self.env.age))

    def _at_goal(self):
        r = self.settings.rollout
        rotation, translation = self.errors()
        near = translation < r.goal_translation_m
        return near & (rotation < math.radians(r.goal_rotation_deg))

    def _probability(self):
        env, key = self.env, self.key
        R, t = relative(env.R_start, env.t_start, env.R, env.t)
        travelled = observability.travel(rotation_log(R), t, env.radius)
        kernels = observability.kernel_centers(
            env.gradients, env.phase, travelled, env.middle, env.extent
        )
        return observability.observable_probability(
            key.desired, kernels[key.env], (env.sigma * env.extent.mean(dim=-1))[key.env]
        )

    def _project(self, R, t):
        """(P, 2) keypoints in the normalized plane and whether they are in the image."""
        key = self.key
        local = ((key.world - t[key.env])[:, None] @ R[key.env]).squeeze(1)
        return _normalized(local, self.env.half_extent[key.env])

    def _fresh(self, count, points):
        """``count`` new environments with their keypoints, numbered from 0."""
        world, desired, env, counts, radius, cameras = self._scenes(count, points)
        labels, clusters = clustering.compact(self._cluster(desired, env, counts), env, count)
        order = (env * int(clusters.max()) + labels).argsort(stable=True)
        world, desired, env, labels = world[order], desired[order], env[order], labels[order]
        owner = (clusters.cumsum(0) - clusters)[env] + labels
        is_center = torch.zeros_like(env, dtype=torch.bool)
        is_center[clustering.centers(desired, owner, int(clusters.sum()))] = True
        environments = self._environments(world, desired, env, counts, clusters, radius, cameras)
        first = counts.cumsum(0) - counts
        key = Keypoints(
            env=env,
            cluster=labels,
            is_center=is_center,
            world=world,
            desired=desired,
            tau=self.draw.uniform(*self.settings.correspondence.tau_s, len(env)),
            observable=torch.zeros_like(is_center),
            partner=torch.arange(len(env), device=env.device) - first[env],
        )
        self._settle(environments, key)
        return environments, key

    def _scenes(self, count, points):
        """Keypoints in space and in the desired image: those of the image's field of view only."""
        s, draw = self.settings.scene, self.draw
        half_width = draw.uniform(*s.half_width, count)
        half_extent = torch.stack([half_width, half_width * draw.uniform(*s.aspect, count)], dim=-1)
        wanted = draw.log_uniform(points[0], points[1] + 1, count).long()
        distance = draw.uniform(*s.desired_distance_m, count)
        radius = draw.uniform(*s.radius_m, count).minimum(WIDEST * distance * half_width)
        world = sample_scenes(draw, wanted, radius, draw.uniform(*s.height_m, count))
        R, t = views.hemisphere_pose(
            draw, distance, s.desired_elevation_deg, s.desired_roll_deg, s.desired_tilt_deg
        )
        desired, in_view = _normalized((world - t[:, None]) @ R, half_extent[:, None])
        # The first few stay whatever the view, so that no scene is left without keypoints.
        index = torch.arange(world.shape[1], device=world.device)
        few = index < self.settings.correspondence.fewest
        real = (index < wanted[:, None]) & (in_view | few)
        env = real.nonzero()[:, 0]
        return world[real], desired[real], env, real.sum(dim=1), radius, (R, t, half_extent)

    def _kmeans(self, desired, env, counts):
        if not self.settings.network.clustering:
            first = counts.cumsum(0) - counts
            return torch.arange(len(env), device=env.device) - first[env]
        padded = desired.new_zeros(len(counts), int(counts.max()), 2)
        column = torch.arange(len(env), device=env.device) - (counts.cumsum(0) - counts)[env]
        padded[env, column] = desired
        wanted = clustering.cluster_counts(self.draw, counts)
        return clustering.kmeans(padded, counts, wanted)[env, column]

    def _environments(self, world, desired, env, counts, clusters, radius, cameras):
        c, r = self.settings.correspondence, self.settings.rollout
        draw, count = self.draw, len(counts)
        R_goal, t_goal, half_extent = cameras
        center = world.new_zeros(count, 3).index_add_(0, env, world) / counts[:, None]
        low = desired.new_full((count, 2), torch.inf)
        low = low.scatter_reduce(0, env[:, None].expand(-1, 2), desired, "amin")
        high = desired.new_full((count, 2), -torch.inf)
        high = high.scatter_reduce(0, env[:, None].expand(-1, 2), desired, "amax")
        R, t = self._start(R_goal, t_goal, center)
        share = draw.uniform(*c.mismatch_share, count) * (counts >= 10)
        share = share * draw.chance(c.mismatched, count)
        lasts = draw.chance(c.lasting_share, count)
        wrong_prior = draw.uniform(*r.prior_log_error, count).exp()
        return Environments(
            R=R,
            t=t,
            R_start=R,
            t_start=t,
            R_goal=R_goal,
            t_goal=t_goal,
            center=center,
            radius=radius,
            half_extent=half_extent,
            middle=(low + high) / 2,
            extent=(high - low).clamp_min(0.05),
            gradients=draw.uniform(-1, 1, count, KERNELS, 2, NOISE_PERIOD),
            phase=draw.uniform(0, NOISE_PERIOD, count, KERNELS, 2),
            sigma=draw.log_uniform(*c.kernel_sigma, count),
            miss=c.random_miss * (counts < c.random_miss_below).float(),
            lasting=share * lasts,
            fleeting=share * ~lasts,
            jitter=draw.log_uniform(*c.jitter, count),
            prior=torch.where(draw.chance(r.prior_wrong_share, count), wrong_prior, 1.0),
            supervised=draw.chance(r.supervised_share, count),
            age=torch.zeros_like(counts),
            rested=torch.zeros_like(counts),
            points=counts,
            clusters=clusters,
        )

    def _start(self, R_goal, t_goal, center):
        """Initial poses: from anywhere, some nearer to the goal, some with the scene in place."""
        s, draw, count = self.settings.scene, self.draw, len(center)
        R, t = views.hemisphere_pose(
            draw,
            draw.uniform(*s.initial_distance_m, count),
            s.initial_elevation_deg,
            s.initial_roll_deg,
            s.initial_tilt_deg,
        )
        near = draw.chance(s.near_share, count)
        shares = [torch.where(near, draw.uniform(0, 1, count).square(), 1.0) for _ in range(2)]
        R, t = views.shorten(R_goal, t_goal, R, t, *shares)
        aimed = (near | draw.chance(s.aimed_share, count)) & draw.chance(0.7, count)
        turned = views.aim(R, t, R_goal, t_goal, center)
        return torch.where(aimed[:, None, None], turned, R), t

    def _settle(self, environments, key):
        """Draw the keypoints' states as they are in the long run."""
        outer = self.env, self.key
        self.env, self.key = environments, key
        key.observable = self.draw.chance(self._probability(), len(key.env))
        wrong = self.draw.chance(environments.lasting[key.env], len(key.env))
        first = environments.points.cumsum(0) - environments.points
        other = mismatches.pick(self.draw, key.env, environments.points) - first[key.env]
        key.partner = torch.where(wrong, other, key.partner)
        self.env, self.key = outer


def _normalized(local, half_extent):
    """Project (..., 3) points in the camera's frame; True where they are within the image."""
    depth = local[..., 2:]
    point = local[..., :2] / depth.clamp_min(1e-3)
    inside = (point.abs() < half_extent).all(dim=-1) & (depth[..., 0] > 0.02)
    return point.clamp(-5, 5), inside
