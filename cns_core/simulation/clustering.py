"""Clusters of many scenes at once; :mod:`.keypoint_graph` does it for one, and slower."""

import torch

from cns_core.policy.keypoint_graph import FEWEST_CLUSTERS

ROUNDS = 6
FEWEST = 4
"""Clusters at least; what is served has more, which is easier."""


def cluster_counts(draw, counts):
    """(S,) clusters for scenes of (S,) keypoints, spread about what affinity propagation finds."""
    typical = 0.85 * counts.float() ** 0.51 * draw.uniform(0.4, 1.4, len(counts))
    several = typical.round().long().clamp_min(FEWEST)
    return torch.where(counts <= FEWEST_CLUSTERS, counts, several)


def kmeans(points, counts, clusters):
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


def compact(labels, scene, scenes):
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


def centers(points, owner, count):
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
