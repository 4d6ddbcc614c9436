"""What serves, where PyTorch is not installed."""

import subprocess
import sys

import pytest

from cns_ros.doctor import installation
from cns_ros.doctor.finding import Verdict
from cns_ros.doctor.settings import DoctorSettings

WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""
SERVE = """
import cv2
import numpy as np
from cns_core import PinholeCamera, VisualServo

camera = PinholeCamera(width=480, height=360, fx=405.0, fy=405.0, cx=240.0, cy=180.0)
rng = np.random.default_rng(0)
layers = [rng.uniform(0, size, (360 // size, 480 // size)) for size in (5, 10, 20, 40)]
grey = sum(cv2.resize(layer, (480, 360), interpolation=cv2.INTER_CUBIC) for layer in layers)
image = cv2.cvtColor(cv2.convertScaleAbs(grey, alpha=255 / grey.max()), cv2.COLOR_GRAY2BGR)
servo = VisualServo(camera, observer="sift", controller="cns", tracking=False)
servo.set_desired(image, depth_prior=0.5)
for shift in (8, 6):
    step = servo.step(np.roll(image, shift, axis=1), time=0.04 * (8 - shift))
    assert step.status == "servoing" and np.linalg.norm(step.twist) > 1e-3, step
"""
NODES = ("observer", "controller", "ur_driver", "hand_eye", "supervisor")


def python(program):
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT + program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_images_become_twists():
    python(SERVE)


def test_nodes_twin_and_commands_are_imported():
    modules = [
        *(f"cns_ros.nodes.{name}" for name in NODES),
        *("cns_ros.sim.twin", "cns_ros.sim.episode", "cns_ros.doctor.command"),
        *("cns_ros.bringup.node_set", "cns_ros.recording.replay_command", "cns_core.bench.cli"),
    ]
    python("".join(f"import {name}\n" for name in modules))


def test_training_names_what_installs_it():
    python(
        "from cns_ros.cli.main import main\nimport io, contextlib\n"
        "said = io.StringIO()\n"
        "with contextlib.redirect_stderr(said):\n    assert main(['train', '--help']) == 1\n"
        "assert \"pip install '.[train]'\" in said.getvalue(), said.getvalue()\n"
    )


@pytest.mark.parametrize(("found", "verdict"), [("2.9", Verdict.OK), ("", Verdict.SKIPPED)])
def test_the_doctor_takes_its_absence_for_no_fault(monkeypatch, found, verdict):
    monkeypatch.setattr(installation, "_version", lambda name: found or "1" * (name != "torch"))
    findings = {one.check: one for one in installation.examine_installation(DoctorSettings())}
    assert findings["torch"].verdict is verdict
    assert ("'.[train]'" in findings["torch"].remedy) is (not found)
    assert findings["packages"].verdict is findings["weights"].verdict is Verdict.OK
