"""The bring-up's processes: all of them end, the arm's driver first, whatever happens."""

import json
import signal
import subprocess
import sys

import pytest

from cns_ros.bringup.node_set import DIE_WITH_PARENT

# Nodes share the bring-up's standard output, so its end tells that none of them is left.
SLOW_SIGNALS = [
    pytest.param(signum, marks=pytest.mark.slow) for signum in (signal.SIGTERM, signal.SIGHUP)
]

PROGRAM = """
import json, signal, sys
from dataclasses import dataclass
from cns_ros.bringup.processes import PATIENCE_S, bring_up
from cns_ros.bringup.node_set import DIE_WITH_PARENT

@dataclass
class Spec:
    name: str
    code: str
    ends: bool = False
    def command(self):
        return [*DIE_WITH_PARENT, sys.executable, "-c", self.code]

specs = [Spec(*words) for words in json.loads(sys.argv[1])]
patience_s = dict.fromkeys(PATIENCE_S, float(sys.argv[2]))
sys.exit(bring_up(specs, {"ADDED": "here"}, patience_s))
"""
NODE = """
import os, signal
def stop(*_):
    os.write(1, b"{name} stopped\\n")
    raise SystemExit
signal.signal(signal.SIGINT, stop)
os.write(1, f"{name} started {{os.getpid()}} {{os.environ['ADDED']}}\\n".encode())
signal.pause()
"""
STUBBORN = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"stubborn started 0 here\\n")
while True:
    signal.pause()
"""
# Ends when its standard input, which it shares with the bring-up, is closed.
EPISODE = "import sys; sys.stdin.read(); sys.exit({code})"


@pytest.fixture
def bring_up():
    """Start a bring-up of the specs [name, code, ends]."""
    started = []

    def start(*specs, patience_s=20.0):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(specs), str(patience_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def node(name):
    return [name, NODE.format(name=name)]


def wait_for_start(process, count):
    lines = [process.stdout.readline().split() for _ in range(count)]
    assert all(words[1] == "started" and words[3] == "here" for words in lines), lines
    return {words[0]: int(words[2]) for words in lines}


def end_of(process):
    """Lines written from now to the end of the last process, and the bring-up's complaint."""
    lines, errors = process.communicate(timeout=30)
    return lines.splitlines(), errors


@pytest.mark.parametrize("signum", [signal.SIGINT, *SLOW_SIGNALS])
def test_a_signal_stops_the_driver_before_the_others(bring_up, signum):
    process = bring_up(node("observer"), node("controller"), node("ur_driver"))
    wait_for_start(process, 3)
    process.send_signal(signum)
    lines, errors = end_of(process)
    assert lines[0] == "ur_driver stopped"
    assert sorted(lines[1:]) == ["controller stopped", "observer stopped"]
    assert process.returncode == 128 + signum
    assert signum.name in errors


@pytest.mark.parametrize("code", [pytest.param(0, marks=pytest.mark.slow), 3])
def test_the_episode_ends_the_bring_up_with_its_exit_code(bring_up, code):
    process = bring_up(
        node("twin"), ["episode", EPISODE.format(code=code), True], node("ur_driver")
    )
    wait_for_start(process, 2)
    lines, _ = end_of(process)
    assert lines == ["ur_driver stopped", "twin stopped"]
    assert process.returncode == code


def test_a_node_that_ends_though_it_should_not_fails_the_bring_up(bring_up):
    process = bring_up(node("observer"), ["controller", "pass"], node("ur_driver"))
    _, errors = end_of(process)
    assert process.returncode == 1
    assert "controller ended with exit code 0" in errors


def test_a_killed_node_is_named_and_the_others_are_stopped(bring_up):
    process = bring_up(node("observer"), node("controller"), node("ur_driver"))
    subprocess.run(["kill", "-9", str(wait_for_start(process, 3)["controller"])], check=True)
    lines, errors = end_of(process)
    assert lines == ["ur_driver stopped", "observer stopped"]
    assert process.returncode == 128 + signal.SIGKILL
    assert "controller was ended by SIGKILL" in errors


def test_a_node_that_ignores_signals_is_killed(bring_up):
    process = bring_up(["stubborn", STUBBORN], patience_s=0.2)
    wait_for_start(process, 1)
    process.send_signal(signal.SIGTERM)
    end_of(process)
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.skipif(not DIE_WITH_PARENT, reason="setpriv (util-linux) is not installed")
def test_the_nodes_stop_when_the_bring_up_is_killed(bring_up):
    process = bring_up(node("observer"), node("ur_driver"))
    wait_for_start(process, 2)
    process.kill()
    lines, _ = end_of(process)
    assert sorted(lines) == ["observer stopped", "ur_driver stopped"]
