"""Clusters of many scenes at once; :mod:`cns_core.policy.keypoint_graph` does one, and slower."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cns_core.policy.keypoint_graph import FEWEST_CLUSTERS, TYPICAL, TYPICAL_POWER, cluster
from cns_core.simulation.draw import Draw

Clustering = Callable[[Draw, Tensor, Tensor, Tensor], Tensor]
"""Gives (P,) labels within each scene of (P, 2) packed desired keypoints, their (P,) scenes and the
(S,) numbers of them."""

ROUNDS = 6


def batched_kmeans(draw: Draw, desired: Tensor, scene: Tensor, counts: Tensor) -> Tensor:
    """A :data:`Clustering` into about as many clusters as affinity propagation finds."""
    padded = desired.new_zeros(len(counts), int(counts.max()), 2)
    column = every_keypoint(draw, desired, scene, counts)
    padded[scene, column] = desired
    return kmeans(padded, counts, cluster_counts(draw, counts))[scene, column]


def affinity_propagation(draw: Draw, desired: Tensor, scene: Tensor, counts: Tensor) -> Tensor:
    """A :data:`Clustering` as at run time, scene by scene."""
    parts = [cluster(part.numpy()) for part in desired.split(counts.tolist())]
    return torch.cat([torch.as_tensor(part) for part in parts])


def every_keypoint(draw: Draw, desired: Tensor, scene: Tensor, counts: Tensor) -> Tensor:
    """A :data:`Clustering` that makes every keypoint a cluster."""
    first = counts.cumsum(0) - counts
    return torch.arange(len(scene), device=scene.device) - first[scene]


def cluster_counts(draw: Draw, counts: Tensor) -> Tensor:
    """(S,) clusters for scenes of (S,) keypoints, near how many are served."""
    typical = TYPICAL * counts.float() ** TYPICAL_POWER * draw.uniform(0.4, 1.4, len(counts))
    return typical.round().long().clamp_min(FEWEST_CLUSTERS).minimum(counts)


def kmeans(points: Tensor, counts: Tensor, clusters: Tensor) -> Tensor:
    """Lloyd's algorithm on a padded batch, started on the first keypoints.

    Args:
        points: (S, N, 2), in random order.
        counts: (S,) long, points in each scene; the rest of its row is ignored.
        clusters: (S,) long, at most ``counts``.

    Returns:
        (S, N) long labels; some may go unused.
    """
    count = points.shape[1]
    most = int(clusters.max())
    real = torch.arange(count, device=points.device) < counts[:, None]
    spare = torch.arange(most, device=points.device) >= clusters[:, None]
    center = points[:, :most].masked_fill(spare[..., None], torch.inf)
    for _ in range(ROUNDS):
        labels = (points[:, :, None] - center[:, None]).square().sum(dim=-1).argmin(dim=-1)
        member = torch.nn.functional.one_hot(labels, most) * real[..., None]
        total = member.mT.to(points.dtype) @ points
        size = member.sum(dim=1)[..., None]
        center = torch.where(size > 0, total / size.clamp_min(1), center)
    return labels


def compact(labels: Tensor, scene: Tensor, scenes: int) -> tuple[Tensor, Tensor]:
    """Renumber (P,) labels of packed points without gaps within each scene.

    Args:
        scene: (P,) long.
        scenes: number of scenes S.

    Returns:
        The (P,) labels and the (S,) numbers of clusters.
    """
    most = int(labels.max()) + 1
    used, inverse = (scene * most + labels).unique(return_inverse=True)
    owner = used // most
    sizes = torch.bincount(owner, minlength=scenes)
    return inverse - (sizes.cumsum(0) - sizes)[scene], sizes


def centers(points: Tensor, owner: Tensor, count: int) -> Tensor:
    """(C,) long, the keypoint nearest to the mean of each of ``count`` clusters.

    Args:
        points: (P, 2).
        owner: (P,) long, the cluster of each; none is empty.
    """
    size = torch.bincount(owner, minlength=count)[:, None]
    mean = points.new_zeros(count, 2).index_add_(0, owner, points) / size
    offset = (points - mean[owner]).square().sum(dim=-1)
    order = (owner.double() + offset.double() / (1 + offset.max().double())).argsort()
    return order[(size.cumsum(0) - size)[:, 0]]
