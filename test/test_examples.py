"""Every example runs as the README says, and does what it is an example of."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


def run(name, *arguments):
    """Standard output of an example."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "largest_mm"),
    [("servo_images.py", 0.5), ("own_controller.py", 0.5), ("own_observer.py", 15.0)],
)
def test_the_camera_comes_back(name, largest_mm):
    last = run(name).splitlines()[-1]
    assert last.startswith("converged")
    assert float(re.search(r"([\d.]+) mm from the goal", last)[1]) <= largest_mm


def test_the_arm_is_armed_moves_and_is_disarmed():
    assert run("arm_stream.py").split() == ["armed", "disarmed"]


def test_every_example_is_tested_and_named_in_the_readme():
    names = {path.name for path in EXAMPLES.glob("*.py")} - {"moving_camera.py"}
    text = Path(__file__).read_text()
    readme = (ROOT / "README.md").read_text()
    assert all(f'"{name}"' in text and f"examples/{name}" in readme for name in names)
