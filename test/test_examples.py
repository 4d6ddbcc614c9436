"""Every example runs as its pages say, and does what it is an example of."""

import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_supervisor import HOME, ON_THE_WAY, Suite

from cns_core.bench.methods.own_file import load
from cns_interfaces.srv import SaveGoal

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs an example as a program; returns its standard output."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def program(name):
        monkeypatch.setattr("sys.argv", [name])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return program


@pytest.mark.parametrize(
    ("name", "largest_mm"),
    [
        ("servo_images.py", 0.5),
        pytest.param("own_controller.py", 0.5, marks=pytest.mark.slow),
        pytest.param("own_observer.py", 15.0, marks=pytest.mark.slow),
    ],
)
def test_the_camera_comes_back(run, name, largest_mm):
    last = run(name).splitlines()[-1]
    assert last.startswith("converged")
    assert float(re.search(r"([\d.]+) mm from the goal", last)[1]) <= largest_mm


@pytest.mark.slow
def test_the_arm_is_armed_moves_and_is_disarmed(run):
    assert run("arm_stream.py").split() == ["armed", "disarmed"]


def test_the_benchmark_takes_the_method():
    assert callable(load(str(EXAMPLES / "own_method.py")))


@pytest.fixture
def start():
    """Starts an example as a program of its own, beside a suite that runs."""
    started = []

    def program(name, *words):
        # As a shell does, and not as a test runner in the background may: Ctrl-C is not ignored.
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / name), *words],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield program
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def suite(ros_domain, tmp_path):
    """The supervisor among stand-ins that obey at once."""
    made = Suite(ros_domain, tmp_path / "goals")
    yield made
    made.close()


def test_the_action_is_followed_to_its_end(suite, start):
    suite.controller.script = [*[ON_THE_WAY] * 20, HOME]
    process = start("servo_action.py", "now", "--arm")
    lines = process.communicate()[0].splitlines()
    assert process.returncode == 0
    assert any("servoing (armed): 7 matched, 5.00 mm +- 0.50 left" in line for line in lines)
    assert lines[-1].startswith("converged: 0.020 mm remain")
    assert suite.calls[0] == "observer/set_desired"
    suite.assert_stopped()


def test_ctrl_c_stops_the_arm(suite, start):
    process = start("servo_action.py", "now", "--arm")
    assert process.stdout.readline().startswith("servoing")
    assert suite.driver.state == "armed"
    process.send_signal(signal.SIGINT)
    lines = process.communicate()[0].splitlines()
    assert process.returncode == 1
    assert lines[-1].startswith("cancelled")
    suite.assert_stopped()


@pytest.mark.slow
def test_a_sequence_is_servoed_through(suite, start):
    for name in ("above", "beside"):
        assert suite.call(SaveGoal, "save_goal", name=name).success
    suite.controller.script = [*[ON_THE_WAY] * 20, HOME]
    process = start("servo_sequence.py", "above", "beside", "--arm")
    lines = process.communicate()[0].splitlines()
    assert process.returncode == 0
    assert any(line.startswith("2 of 2: servoing (armed)") for line in lines)
    assert [line.split(": ")[:2] for line in lines[-2:]] == [
        ["above", "converged"],
        ["beside", "converged"],
    ]
    suite.assert_stopped()


def test_every_example_is_tested_and_named_where_users_look():
    names = {path.name for path in EXAMPLES.glob("*.py")} - {"moving_camera.py"}
    text = Path(__file__).read_text()
    pages = [(ROOT / page).read_text() for page in ("README.md", "docs/extending.md")]
    for name in names:
        assert f'"{name}"' in text
        assert any(f"examples/{name}" in page for page in pages), name
