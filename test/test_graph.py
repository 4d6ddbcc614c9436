"""The keypoint graph: the paper's own example, and properties of the clustering."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cns_core.policy.keypoint_graph import build_graph, cluster

FIG2_CLUSTERS = np.array([0, 0, 0, 0, 1, 1, 2])


def fig2_graph():
    keypoints = [[0, 0], [0.2, 0], [0.1, 0.1], [0.1, 0.3], [0.8, 0], [0.9, 0.1], [0.5, 0.8]]
    return build_graph(np.array(keypoints), FIG2_CLUSTERS)


def dense(edges, shape):
    matrix = np.zeros(shape, dtype=int)
    matrix[edges[1], edges[0]] = 1
    return matrix


def test_edges_of_the_desired_pose_are_eq_1():
    graph = fig2_graph()
    everything = np.ones(7, dtype=bool)
    assert dense(graph.edges0(everything), (3, 7)).tolist() == [
        [1, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]
    assert dense(graph.edges1(everything), (3, 3)).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert graph.center_index[0] == 2 and graph.center_index[2] == 6


def test_edges_with_keypoints_missing_are_eq_2():
    graph = fig2_graph()
    matched = np.ones(7, dtype=bool)
    matched[[0, 2, 4, 5]] = False
    assert dense(graph.edges0(matched), (3, 7)).tolist() == [
        [0, 1, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]
    assert dense(graph.edges1(matched), (3, 3)).tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_nothing_matched_leaves_no_edge():
    graph = fig2_graph()
    nothing = np.zeros(7, dtype=bool)
    assert graph.edges0(nothing).shape == (2, 0)
    assert graph.edges1(nothing).shape == (2, 0)


def test_few_keypoints_are_clusters_of_their_own():
    assert cluster(np.random.default_rng(0).random((16, 2))).tolist() == list(range(16))


def test_a_single_blob_is_split_into_four():
    blob = np.random.default_rng(1).normal(0, 1e-3, (17, 2))
    assert len(np.unique(cluster(blob))) >= 4


def test_coinciding_keypoints_do_not_break_the_clustering():
    points = np.repeat([[0.0, 0.0], [0.5, 0.5]], 20, axis=0)
    labels = cluster(points)
    assert len(np.unique(labels)) == 2
    assert len(np.unique(labels[:20])) == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 150))
def test_clusters_are_complete_deterministic_and_centred_on_a_member(seed, count):
    points = np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 2))
    graph = build_graph(points)
    assert set(graph.cluster_of_point) == set(range(graph.cluster_count))
    assert (graph.cluster_of_point[graph.center_index] == np.arange(graph.cluster_count)).all()
    assert graph.cluster_count >= min(count, 4)
    assert (build_graph(points).cluster_of_point == graph.cluster_of_point).all()


@pytest.mark.parametrize(
    "desired, clusters, word",
    [
        (np.zeros((3, 3)), None, "must be"),
        (np.zeros((0, 2)), None, "1 to"),
        (np.full((5, 2), np.nan), None, "finite"),
        (np.zeros((3, 2)), [0, 0], "integers"),
        (np.zeros((3, 2)), [0.0, 0.0, 1.0], "integers"),
        (np.zeros((3, 2)), [0, 0, 2], "gaps"),
    ],
)
def test_bad_input_is_named(desired, clusters, word):
    with pytest.raises(ValueError, match=word):
        build_graph(desired, clusters)
