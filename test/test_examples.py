"""Every example runs as the README says, and does what it is an example of."""

import re
import runpy
from pathlib import Path

import pytest

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


def test_the_arm_is_armed_moves_and_is_disarmed(run):
    assert run("arm_stream.py").split() == ["armed", "disarmed"]


def test_every_example_is_tested_and_named_in_the_readme():
    names = {path.name for path in EXAMPLES.glob("*.py")} - {"moving_camera.py"}
    text = Path(__file__).read_text()
    readme = (ROOT / "README.md").read_text()
    assert all(f'"{name}"' in text and f"examples/{name}" in readme for name in names)
