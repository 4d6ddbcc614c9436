"""Fresh environments: a scene, its clusters, a start, and all that will go wrong on the way."""

from __future__ import annotations

import torch
from torch import Tensor

from cns_core.simulation import clustering, mismatches
from cns_core.simulation.batch import Batch, Environments, Keypoints
from cns_core.simulation.camera_poses import draw_initial_poses
from cns_core.simulation.clustering import Clustering
from cns_core.simulation.desired_views import DesiredViews, draw_desired_views
from cns_core.simulation.draw import Draw
from cns_core.simulation.observation import settle
from cns_core.simulation.settings import SimulationSettings

KERNELS = 3
"""Observable regions of a scene."""

NOISE_PERIOD = 8
"""Slopes of the noise that they walk by, after which it repeats."""

LEAST_EXTENT = 0.05
"""The observable regions are as wide as if the keypoints filled at least this, normalized plane."""


def draw_batch(
    draw: Draw,
    settings: SimulationSettings,
    cluster: Clustering,
    count: int,
    points: tuple[int, int],
) -> Batch:
    """``count`` fresh environments with ``points`` = (fewest, most) keypoints each."""
    views = draw_desired_views(draw, settings.scene, count, points, settings.correspondence.fewest)
    labels = cluster(draw, views.desired, views.env, views.counts)
    labels, clusters = clustering.compact(labels, views.env, count)
    order = (views.env * int(clusters.max()) + labels).argsort(stable=True)
    views, labels = views.sorted_by(order), labels[order]
    owner = (clusters.cumsum(0) - clusters)[views.env] + labels
    is_center = torch.zeros_like(views.env, dtype=torch.bool)
    is_center[clustering.centers(views.desired, owner, int(clusters.sum()))] = True
    environments = _environments(draw, settings, views, clusters)
    keypoints = Keypoints(
        env=views.env,
        cluster=labels,
        is_center=is_center,
        world=views.world,
        # For good: unlike the current image's, no frame averages it away, only other keypoints do.
        desired=mismatches.jitter(draw, views.desired, environments.desired_jitter[views.env]),
        tau=draw.uniform(*settings.correspondence.tau_s, len(views.env)),
        # Until they are settled.
        observable=torch.zeros_like(is_center),
        partner=torch.zeros_like(views.env),
    )
    return settle(Batch(environments, keypoints), settings, draw)


def _environments(
    draw: Draw, settings: SimulationSettings, views: DesiredViews, clusters: Tensor
) -> Environments:
    c, r, count = settings.correspondence, settings.rollout, len(views.counts)
    low, high = views.bounds()
    center = views.centers()
    R, t = draw_initial_poses(draw, settings.scene, views.R_goal, views.t_goal, center)
    mismatched = draw.uniform(*c.mismatch_share, count) * (views.counts >= c.mismatched_from)
    mismatched = mismatched * draw.chance(c.mismatched, count)
    lasts = draw.chance(c.lasting_share, count)
    wrong_prior = draw.uniform(*r.prior_log_error, count).exp()
    return Environments(
        R=R,
        t=t,
        R_start=R,
        t_start=t,
        R_goal=views.R_goal,
        t_goal=views.t_goal,
        center=center,
        radius=views.radius,
        half_extent=views.half_extent,
        middle=(low + high) / 2,
        extent=(high - low).clamp_min(LEAST_EXTENT),
        gradients=draw.uniform(-1, 1, count, KERNELS, 2, NOISE_PERIOD),
        phase=draw.uniform(0, NOISE_PERIOD, count, KERNELS, 2),
        sigma=draw.log_uniform(*c.kernel_sigma, count),
        miss=c.random_miss * (views.counts < c.random_miss_below).float(),
        lasting=mismatched * lasts,
        fleeting=mismatched * ~lasts,
        jitter=draw.log_uniform(*c.jitter, count),
        desired_jitter=draw.log_uniform(*c.desired_jitter, count),
        prior=torch.where(draw.chance(r.prior_wrong_share, count), wrong_prior, 1.0),
        supervised=draw.chance(r.supervised_share, count),
        age=torch.zeros_like(views.counts),
        rested=torch.zeros_like(views.counts),
        points=views.counts,
        clusters=clusters,
    )
