"""A method in a file of the user's: found, told the situation, run, and refused with a reason."""

import runpy
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cns_core.bench import cli
from cns_core.bench.loop import runner
from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Spec
from cns_core.bench.methods.method import Method
from cns_core.control.ibvs import IbvsController
from cns_core.geometry.correspondence import Correspondence

EXAMPLE = str(Path(__file__).resolve().parents[1] / "examples" / "own_method.py")

WITH_AN_OBSERVER = """
import numpy as np
from cns_core.bench.methods.flow_observer import FlowObserver, dis_flow
from cns_core.bench.methods.method import Method
from cns_core.control.ibvs import IbvsController

def make_method(situation):
    assert situation.camera.width == 640 and situation.period_s == 0.04
    assert 0.3 < situation.depth_prior_m < 1.0
    observer = FlowObserver(situation.camera, dis_flow(), situation.verify)
    return Method(controller=IbvsController(), observer=observer)
"""
DIRECT = """
import numpy as np
from cns_core.bench.methods.method import Method

class Still:
    def set_desired(self, image):
        assert image.shape == (480, 640, 3)
    def velocity(self, image):
        return np.zeros(6)

def make_method(situation):
    return Method(direct=Still())
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="theirs.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_the_example_leaves_mismatches_out():
    law = runpy.run_path(EXAMPLE)["RobustIbvs"]()
    rng = np.random.default_rng(0)
    desired = rng.uniform(-0.3, 0.3, (60, 2))
    current = desired + [0.05, 0.0]
    clean = Correspondence(desired, current, np.ones(60, bool))
    current = current.copy()
    current[:15] = rng.uniform(-0.4, 0.4, (15, 2))
    wrong = Correspondence(desired, current, np.ones(60, bool))
    right, robust = law.velocity(clean), law.velocity(wrong)
    plain = IbvsController().velocity(wrong)
    assert np.linalg.norm(robust - right) < 0.05 * np.linalg.norm(plain - right)


def test_the_command_runs_a_file_beside_methods_of_its_own(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "run_episode", partial(run_episode, max_steps=3))
    words = ["--method", EXAMPLE, "--controllers", "ibvs", "--environments", "points"]
    out = str(tmp_path / "out")
    assert cli.main([*words, "--scenes", "1", "--jobs", "1", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "| own_method | " in said and "| ibvs | " in said and "points-S000_own_method_" in said


@pytest.mark.parametrize(("text", "observer"), [(WITH_AN_OBSERVER, "sift"), (DIRECT, "none")])
def test_a_method_brings_its_observer_or_takes_images(file, text, observer):
    spec = Spec("render", "S", 1, file(text), observer, perturbation="near")
    record, strip = run_episode(spec, max_steps=3)
    assert record["status"] == "timeout" and strip
    assert record["key"] == f"render-S001_theirs_{observer}_near"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def make(situation): ...", r"must define make_method\(situation\).* it defines make"),
        ("x = 1", "it defines nothing that can be called"),
        ("def make_method(situation): return 3", "must return a Method, got int: wrap"),
    ],
)
def test_a_file_without_a_method_is_refused(file, text, reason):
    record = None
    with pytest.raises(ValueError, match=reason):
        record, _ = run_episode(Spec("points", "S", 0, file(text), "none"), max_steps=1)
        raise ValueError(record["note"])
    assert record is None or record["status"] == "refused"


@pytest.mark.parametrize("name", ["gone.py", "ibvs.py"])
def test_the_command_refuses_what_is_no_method(file, name, capsys):
    path = file("def make_method(situation): ...", name) if name == "ibvs.py" else name
    with pytest.raises(SystemExit):
        cli.main(["--method", path])
    wanted = "has a method of this name" if name == "ibvs.py" else "needs a Python file"
    assert wanted in capsys.readouterr().err


def test_a_method_is_one_thing_or_the_other():
    with pytest.raises(ValueError, match="either a controller or a direct law"):
        Method()
    with pytest.raises(ValueError, match="takes images: it has no observer"):
        Method(direct=object(), observer=object())
