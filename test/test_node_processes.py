"""Nodes as processes: they leave the graph before they end, and only who does not is killed."""

import signal
import sys

import pytest

from cns_ros.sim import node_processes
from cns_ros.sim.node_processes import NodeProcesses

NODE = """
import pathlib, signal, sys, threading
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
pathlib.Path(sys.argv[1], sys.argv[2]).touch()
while not told.wait(0.01):
    pass
with open(pathlib.Path(sys.argv[1], "left"), "a") as left:
    print(sys.argv[2], file=left)
"""
STUBBORN = NODE.replace("told.set()", "None")


@pytest.fixture
def slept(monkeypatch):
    """How long is waited for what Fast DDS does after somebody was killed."""
    slept = []
    monkeypatch.setattr(node_processes, "sleep", slept.append)
    return slept


@pytest.fixture
def nodes(tmp_path, slept):
    made = []

    def make(**programs):
        commands = {
            name: [sys.executable, "-c", program, str(tmp_path), name]
            for name, program in programs.items()
        }
        nodes = NodeProcesses(commands, {})
        made.append(nodes)
        for name in programs:
            nodes.start(name)
            while not (tmp_path / name).exists():
                assert nodes.lives(name)
        return nodes

    yield make
    for each in made:
        each.end_all()


def test_all_leave_by_themselves_the_last_one_first(nodes, slept, tmp_path):
    both = nodes(twin=NODE, ur_driver=NODE)
    both.end_all()
    assert not both.lives("twin") and not both.lives("ur_driver")
    assert (tmp_path / "left").read_text().split() == ["ur_driver", "twin"]
    assert not slept


def test_after_a_kill_it_is_waited_until_the_others_may_leave(nodes, slept, tmp_path):
    both = nodes(twin=NODE, ur_driver=NODE)
    both.kill("ur_driver")
    both.end_all()
    assert (tmp_path / "left").read_text().split() == ["twin"]
    assert len(slept) == 1 and slept[0] > 2.0


def test_a_node_started_again_was_killed_all_the_same(nodes, slept, tmp_path):
    one = nodes(twin=NODE)
    one.kill("twin")
    (tmp_path / "twin").unlink()
    one.start("twin")
    while not (tmp_path / "twin").exists():
        assert one.lives("twin")
    one.end_all()
    assert (tmp_path / "left").read_text().split() == ["twin"]
    assert len(slept) == 1


def test_a_stopped_node_goes_on_to_leave(nodes, slept, tmp_path):
    one = nodes(twin=NODE)
    one.signal("twin", signal.SIGSTOP)
    one.end_all()
    assert (tmp_path / "left").read_text().split() == ["twin"]
    assert not slept


def test_who_does_not_leave_is_killed(nodes, slept, monkeypatch):
    monkeypatch.setitem(node_processes._PATIENCE_S, signal.SIGTERM, 0.1)
    one = nodes(ur_driver=STUBBORN)
    one.end_all()
    assert not one.lives("ur_driver") and len(slept) == 1
