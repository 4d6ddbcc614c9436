"""The network that serves, on NumPy, against the one that is trained, on PyTorch."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support_graphs import policy_of
from threadpoolctl import threadpool_info, threadpool_limits

from cns_core import load_policy
from cns_core.policy.network import MEMORIES
from cns_core.policy.policy import Policy
from cns_core.policy.weights import default_weights
from cns_core.training.network import variants
from cns_core.training.network.variants import make_network
from cns_core.training.serving_speed import TorchRun, main
from cns_core.training.weights import load_network

VARIANTS = [(clustering, memory) for clustering in (True, False) for memory in MEMORIES]


def assert_alike(network, policy, desired, frames, clusters=None):
    run = policy.start(desired, clusters)
    expected = TorchRun(network, run.graph)
    for current, matched in frames:
        for ours, theirs in zip(
            run.step(current, matched), expected.step(current, matched), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(run.memory, expected.memory, atol=1e-4)


def frames_of(rng, desired, count, share):
    """Keypoints on their way home; some are mismatched, others missing."""
    for t in range(count):
        current = desired + 0.3 * np.exp(-t / 30) + rng.normal(0, 0.01, desired.shape)
        current[rng.random(len(desired)) < 0.05] = rng.uniform(-0.5, 0.5, 2)
        matched = rng.random(len(desired)) < share
        matched[rng.integers(len(desired))] = True
        yield current, matched


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40))
@pytest.mark.parametrize(("clustering", "memory"), VARIANTS)
def test_every_variant_gives_what_is_trained(clustering, memory, seed, count):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = make_network(16, clustering, memory)
    desired = rng.uniform(-0.5, 0.5, (count, 2))
    clusters = np.unique(rng.integers(0, 1 + count // 3, count), return_inverse=True)[1]
    share = rng.uniform(0.1, 1.0)
    frames = frames_of(rng, desired, 4, share)
    assert_alike(network, policy_of(network), desired, frames, clusters=clusters)


@pytest.mark.parametrize("count", [12, 60, 300])
def test_the_shipped_policy_gives_what_was_trained_over_a_whole_run(count):
    rng = np.random.default_rng(count)
    desired = rng.uniform(-0.5, 0.5, (count, 2))
    frames = frames_of(rng, desired, 150, 0.8)
    assert_alike(load_network(default_weights()), load_policy(), desired, frames)


def test_both_know_the_same_memories():
    assert MEMORIES.keys() == variants.MEMORIES.keys()


class Watched:
    """A network that does something while it is under way."""

    structure = load_policy().network.structure

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    def target(self, graph):
        return graph

    def __call__(self, *frame):
        self.meanwhile()
        return np.ones(6, np.float32), np.ones(1, np.float32), None


def step(meanwhile):
    Policy(Watched(meanwhile)).start(np.eye(2)).step(np.eye(2), np.ones(2, dtype=bool))


def test_matrices_are_multiplied_by_one_thread_and_the_callers_are_given_back():
    seen = []
    with threadpool_limits(2, user_api="blas"):
        step(lambda: seen.extend(blas_threads()))
        assert set(seen) == {1} and set(blas_threads()) == {2}


def test_policies_in_several_threads_give_the_callers_back_too():
    begun, entered = threading.Event(), threading.Event()

    def first():
        begun.set()
        assert not entered.wait(0.1)

    def second():
        begun.wait()
        step(entered.set)

    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor() as pool:
        for done in [pool.submit(second), pool.submit(step, first)]:
            done.result(timeout=10.0)
        assert entered.is_set() and set(blas_threads()) == {2}


def blas_threads():
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


def test_the_speeds_are_printed_side_by_side(capsys):
    main(["--keypoints", "20", "--frames", "3"])
    row = capsys.readouterr().out.splitlines()[-1]
    cells = [float(cell) for cell in row.strip("| ").split(" | ")]
    assert cells[0] == 20 and min(cells) > 0
