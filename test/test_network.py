"""The policy against the golden outputs, and what trains it against the reference."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support_graphs import concatenate, policy_of

from cns_core import load_policy
from cns_core.policy.keypoint_graph import build_graph
from cns_core.simulation.packing import PackedGraphs
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.reference.network import FrameGraph, ReferenceNetwork
from cns_core.training.weights import load_network

ANCHORS = Path(__file__).parents[2] / "shared" / "anchors"
AUTHORS = ANCHORS / "authors_cns_state_dict.pth"
needs_anchors = pytest.mark.skipif(not AUTHORS.is_file(), reason="the anchors are not at hand")


@pytest.fixture(scope="module")
def golden():
    data = np.load(ANCHORS / "golden_forward.npz")

    def sequence(k):
        return {
            name.split("_", 1)[1]: data[name] for name in data.files if name.startswith(f"s{k}_")
        }

    return [sequence(k) for k in range(int(data["n_sequences"]))]


@needs_anchors
def test_policy_reproduces_the_golden_outputs(golden):
    policy = load_policy(AUTHORS)
    for s in golden:
        run = policy.start(s["desired"], cluster_of_point=s["cluster_of_point"])
        assert (run.graph.center_index == s["center_index"]).all()
        for t in range(len(s["current"])):
            direction, norm, twist = run.step(s["current"][t], s["matched"][t])
            np.testing.assert_allclose(direction, s["direction"][t], atol=1e-4)
            np.testing.assert_allclose(norm, s["norm"][t], atol=1e-4)
            scale = np.repeat([s["distance_prior"], 1.0], 3)
            np.testing.assert_allclose(twist * scale, s["twist"][t], atol=1e-4)
            np.testing.assert_allclose(run.memory, s["hidden"][t], atol=1e-4)


@needs_anchors
def test_reference_reproduces_the_golden_outputs(golden):
    reference = ReferenceNetwork()
    reference.load_state_dict(load_network(AUTHORS).state_dict())
    for s in golden:
        graph = build_graph(s["desired"], s["cluster_of_point"])
        hidden = None
        for t in range(len(s["current"])):
            frame = FrameGraph.of(graph, s["current"][t], s["matched"][t])
            with torch.no_grad():
                direction, norm, hidden = reference(frame, hidden)
            np.testing.assert_allclose(direction[0], s["direction"][t], atol=1e-4)
            np.testing.assert_allclose(norm[0], s["norm"][t], atol=1e-4)


def random_frames(rng, count, frames):
    desired = rng.uniform(-0.5, 0.5, (count, 2))
    graph = build_graph(desired, np.unique(rng.integers(0, 1 + count // 3, count), False, True)[1])
    current = desired + rng.normal(0, 0.3, (frames, count, 2))
    matched = rng.random((frames, count)) < rng.uniform(0.2, 1.0)
    matched[:, rng.integers(count)] = True
    return graph, current, matched


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_packed_agrees_with_the_reference(seed, count):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network, reference = CnsNetwork(width=32), ReferenceNetwork(width=32)
    reference.load_state_dict(network.state_dict())
    graph, current, matched = random_frames(rng, count, frames=3)
    packed, order = PackedGraphs.of(graph)
    hidden = expected_hidden = None
    with torch.no_grad():
        target = network.target(packed)
        for t in range(3):
            direction, norm, hidden = network(
                target,
                torch.tensor(current[t], dtype=torch.float32)[order],
                torch.tensor(matched[t])[order],
                hidden,
            )
            frame = FrameGraph.of(graph, current[t], matched[t])
            expected, expected_norm, expected_hidden = reference(frame, expected_hidden)
            torch.testing.assert_close(direction, expected, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(norm, expected_norm, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(hidden, expected_hidden, atol=1e-5, rtol=1e-5)


def test_gradients_agree_with_the_reference():
    rng = np.random.default_rng(3)
    torch.manual_seed(3)
    network, reference = CnsNetwork(width=16).double(), ReferenceNetwork(width=16).double()
    reference.load_state_dict(network.state_dict())
    graph, current, matched = random_frames(rng, 24, frames=3)
    packed, order = PackedGraphs.of(graph)
    packed = PackedGraphs(
        torch.tensor(graph.desired)[order], packed.center_index, packed.points, packed.clusters
    )
    target = network.target(packed)
    hidden = expected_hidden = None
    losses = torch.zeros(2, dtype=torch.double)
    for t in range(3):
        args = torch.tensor(current[t])[order], torch.tensor(matched[t])[order]
        direction, norm, hidden = network(target, *args, hidden)
        frame = FrameGraph.of(graph, current[t], matched[t])
        frame.desired = torch.tensor(graph.desired)
        frame.current = torch.tensor(np.where(matched[t][:, None], current[t], 0))
        expected, expected_norm, expected_hidden = reference(frame, expected_hidden)
        losses = losses + torch.stack(
            [
                direction.square().sum() + norm.sum(),
                expected.square().sum() + expected_norm.sum(),
            ]
        )
    losses.sum().backward()
    for (name, ours), (_, theirs) in zip(
        sorted(network.named_parameters()), sorted(reference.named_parameters()), strict=True
    ):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-9, rtol=1e-6, msg=name)


def test_a_batch_gives_what_its_graphs_give_alone():
    rng = np.random.default_rng(5)
    network = CnsNetwork(width=32)
    alone, packs, currents, masks = [], [], [], []
    with torch.no_grad():
        for count in (3, 30, 12):
            graph, current, matched = random_frames(rng, count, frames=1)
            packed, order = PackedGraphs.of(graph)
            current = torch.tensor(current[0], dtype=torch.float32)[order]
            matched = torch.tensor(matched[0])[order]
            alone.append(network(network.target(packed), current, matched)[:2])
            packs.append(packed)
            currents.append(current)
            masks.append(matched)
        target = network.target(concatenate(packs))
        direction, norm, _ = network(target, torch.cat(currents), torch.cat(masks))
    torch.testing.assert_close(direction, torch.cat([a for a, _ in alone]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(norm, torch.cat([b for _, b in alone]), atol=1e-5, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_order_of_keypoints_and_clusters_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    policy = policy_of(CnsNetwork(width=32))
    graph, current, matched = random_frames(rng, 21, frames=2)
    # Clusters of odd size: of two keypoints equally near the middle the first is the centre.
    graph = build_graph(graph.desired, np.arange(21) % 3)
    shuffle = rng.permutation(21)
    rename = rng.permutation(3)
    first = policy.start(graph.desired, graph.cluster_of_point)
    second = policy.start(graph.desired[shuffle], rename[graph.cluster_of_point][shuffle])
    for t in range(2):
        a = first.step(current[t], matched[t])
        b = second.step(current[t][shuffle], matched[t][shuffle])
        np.testing.assert_allclose(a[0], b[0], atol=1e-5)
        np.testing.assert_allclose(a[1], b[1], atol=1e-5)


def test_bad_frames_are_refused():
    run = policy_of(CnsNetwork(width=16)).start(np.random.default_rng(0).random((8, 2)))
    everything = np.ones(8, dtype=bool)
    with pytest.raises(ValueError, match="must be"):
        run.step(np.zeros((7, 2)), everything)
    with pytest.raises(ValueError, match="no keypoint"):
        run.step(np.zeros((8, 2)), ~everything)
    with pytest.raises(ValueError, match="finite"):
        run.step(np.full((8, 2), np.nan), everything)
