"""Shared fixtures: every test gets its own ROS domain and its own loopback address."""

import itertools
import os

import pytest

_serial = itertools.count()

_FIXTURES = {"ros_domain", "robot_address", "episode_run", "set_up"}
_HELPERS = {"own_address", "quick_box", "fault_matrix"}
"""Tests and modules that use them have nodes or a robot's box run beside them."""


def pytest_collection_modifyitems(items):
    """Mark what runs against the clock, so that it can be given a core of its own."""
    for item in items:
        if _FIXTURES & set(item.fixturenames) or _HELPERS & vars(item.module).keys():
            item.add_marker(pytest.mark.real_time)


def _slot():
    """A small number no other test of this run, and hardly one of another run, holds."""
    return (os.getpid() * 64 + next(_serial)) % 64000


def loopback_address():
    """A loopback address of its own for a simulated robot, whose ports are fixed by ur-rtde."""
    high, low = divmod(_slot(), 250)
    return f"127.77.{high % 250}.{low + 2}"


def ros_domain_id():
    """A ROS domain of its own."""
    return 1 + _slot() % 100


@pytest.fixture
def robot_address():
    """A :func:`loopback_address`."""
    return loopback_address()


@pytest.fixture
def ros_domain(monkeypatch):
    """A ROS domain of its own on the loopback interface, set in the environment."""
    domain = ros_domain_id()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    return domain


@pytest.fixture
def ros_graph(ros_domain):
    """An empty :class:`ros_graph.RosGraph` in a domain of its own."""
    from ros_graph import RosGraph

    graph = RosGraph(ros_domain)
    yield graph
    graph.close()


@pytest.fixture(scope="session")
def episode_run(tmp_path_factory):
    """A whole :class:`support_episode.EpisodeRun`, one for all tests that look at it."""
    from support_episode import EpisodeRun

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        folder = tmp_path_factory.mktemp("episode")
        yield EpisodeRun(folder, loopback_address(), ros_domain_id())
