"""Desired keypoints as a graph: clusters, their centres, and the edges E0 and E1 (paper, III-A)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import AffinityPropagation, KMeans
from sklearn.exceptions import ConvergenceWarning

FEWEST_CLUSTERS = 16
"""Up to this many keypoints each is a cluster of its own; more are never put into fewer clusters.

The authors are content with four, but a policy that sees few clusters may take a turn for a shift.
"""
TYPICAL, TYPICAL_POWER = 0.85, 0.51
"""Of N keypoints spread over an image affinity propagation finds ``TYPICAL * N ** TYPICAL_POWER``
clusters, as a rule."""
MAX_KEYPOINTS = 4096
"""Affinity propagation takes memory and time with the square of the number of keypoints."""


@dataclass(frozen=True)
class KeypointGraph:
    """The clusters of the desired keypoints; what a frame shows only masks them.

    Args:
        desired: (N, 2) keypoints of the desired image, normalized plane.
        cluster_of_point: (N,) int in 0..C-1, the cluster each keypoint belongs to.
        center_index: (C,) int, the keypoint at the centre of each cluster.
    """

    desired: NDArray[np.float64]
    cluster_of_point: NDArray[np.int64]
    center_index: NDArray[np.int64]

    @property
    def cluster_count(self) -> int:
        """Number of clusters C."""
        return len(self.center_index)

    @property
    def centers(self) -> NDArray[np.float64]:
        """(C, 2) desired positions of the cluster centres."""
        return self.desired[self.center_index]

    def cluster_matched(self, matched: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(C,) bool, whether a cluster holds any keypoint of the (N,) bool mask ``matched``."""
        return np.bincount(self.cluster_of_point[matched], minlength=self.cluster_count) > 0

    def edges0(self, matched: NDArray[np.bool_]) -> NDArray[np.int64]:
        """E0 as (2, E) index pairs [keypoint, cluster]: matched keypoints only (Eq. 1 and 2)."""
        points = np.flatnonzero(matched)
        return np.stack([points, self.cluster_of_point[points]])

    def edges1(self, matched: NDArray[np.bool_]) -> NDArray[np.int64]:
        """E1 as (2, E) pairs [source, target] of matched clusters, no self-edges (Eq. 1, 2)."""
        seen = np.flatnonzero(self.cluster_matched(matched))
        source, target = np.meshgrid(seen, seen)
        distinct = source != target
        return np.stack([source[distinct], target[distinct]])


def build_graph(desired: ArrayLike, cluster_of_point: ArrayLike | None = None) -> KeypointGraph:
    """Cluster the desired keypoints and choose the centre of each cluster.

    The centre is the keypoint nearest to its cluster's median, which a stray keypoint moves less
    than the mean that the paper prints.

    Args:
        desired: (N, 2) keypoints of the desired image, normalized plane.
        cluster_of_point: (N,) clusters numbered from 0 without gaps, or None to find them.

    Raises:
        ValueError: if ``desired`` is not a finite (N, 2) array with 1 <= N <= MAX_KEYPOINTS, or the
            clusters given do not fit it.
    """
    points = _checked_points(desired)
    given = cluster(points) if cluster_of_point is None else cluster_of_point
    labels = _checked_labels(given, len(points))
    clusters = range(int(labels.max()) + 1)
    centers = [_center(points, np.flatnonzero(labels == c)) for c in clusters]
    return KeypointGraph(points, labels, np.array(centers))


def _checked_points(desired: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(desired, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"desired must be (N, 2), got {points.shape}")
    if not 1 <= len(points) <= MAX_KEYPOINTS:
        raise ValueError(f"desired must hold 1 to {MAX_KEYPOINTS} keypoints, got {len(points)}")
    if not np.isfinite(points).all():
        raise ValueError("desired must be finite")
    return points


def _checked_labels(cluster_of_point: ArrayLike, count: int) -> NDArray[np.int64]:
    """(N,) clusters of ``count`` keypoints, numbered from 0 without gaps."""
    labels = np.asarray(cluster_of_point)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"cluster_of_point must be {(count,)} integers, got {labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or len(np.unique(labels)) != int(labels.max()) + 1:
        raise ValueError("cluster_of_point must number the clusters from 0 without gaps")
    return labels.astype(np.int64)


def _center(desired: NDArray[np.float64], members: NDArray[np.int64]) -> int:
    """Index of the keypoint nearest to the median of a cluster's members, then to their mean.

    In clusters of even size two keypoints are often equally near to the median.
    """
    points = desired[members]
    to_median, to_mean = (
        np.linalg.norm(points - middle, axis=1).round(9)
        for middle in (np.median(points, axis=0), points.mean(axis=0))
    )
    return int(members[np.lexsort((to_mean, to_median))[0]])


def cluster(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Clusters of (N, 2) points by affinity propagation, as (N,) labels 0..C-1; deterministic."""
    count = len(points)
    if count <= FEWEST_CLUSTERS:
        return np.arange(count)
    labels = _affinity_propagation(points)
    if labels is None:
        labels = _kmeans(points, max(FEWEST_CLUSTERS, round(TYPICAL * count**TYPICAL_POWER)))
    elif labels.max() + 1 < FEWEST_CLUSTERS:
        labels = _kmeans(points, FEWEST_CLUSTERS)
    return np.unique(labels, return_inverse=True)[1]


def _affinity_propagation(points: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Labels (N,), or None where the messages did not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # All points alike make all similarities alike, which scikit-learn settles with a warning.
        warnings.filterwarnings("ignore", "All samples have mutually equal similarities")
        fit = AffinityPropagation(damping=0.9, random_state=0).fit(points)
    return fit.labels_ if len(fit.cluster_centers_indices_) and fit.labels_.min() >= 0 else None


def _kmeans(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Labels (N,) of k-means into ``count`` clusters, fewer where so many points do not differ."""
    count = min(count, len(np.unique(points, axis=0)))
    return KMeans(count, n_init=4, random_state=0).fit(points).labels_
