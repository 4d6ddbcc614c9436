"""The suites by name: what they ask for exists, once each, and is what they are for."""

import sys

import pytest

from cns_core.bench import cli
from cns_core.bench.loop.comparison_suites import CLASSICAL_METHODS
from cns_core.bench.loop.plan import Spec, Suite
from cns_core.bench.loop.poster import STARTS
from cns_core.bench.loop.suites import SUITES
from cns_core.bench.methods.built_in import NAMES
from cns_core.bench.methods.observers_by_name import OBSERVERS


def specs_of(name):
    return list(dict.fromkeys(spec for suite in SUITES[name] for spec in suite.specs()))


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_asks_for_what_there_is_under_keys_of_its_own(name):
    specs = specs_of(name)
    assert len({spec.key for spec in specs}) == len(specs)
    assert {spec.controller for spec in specs} <= set(NAMES)
    assert {spec.observer for spec in specs} <= {*OBSERVERS, "none"}


def test_the_papers_comparisons_are_in_its_suite():
    specs = specs_of("paper")
    columns = {(s.environment, s.controller, s.observer, s.verify, s.perturbation) for s in specs}
    for law in ("cns-network", "ibvs"):
        for verify in (True, False):
            assert ("render", law, "akaze", verify, "none") in columns
            assert ("render", law, "sift", verify, "none") in columns
        assert ("render", law, "sift", True, "hard") in columns
    assert ("render", "ibvs", "dis-flow", True, "none") in columns
    for changed in ("scale-x0.1", "scale-x10", "prior-x0.25", "prior-x4"):
        assert ("render", "cns-network", "sift-tracked", True, changed) in columns
    assert {s.controller for s in specs} >= set(CLASSICAL_METHODS)


def test_the_poster_protocol_has_all_its_starts():
    specs = specs_of("poster")
    assert len(specs) == 4 * 2 * STARTS
    assert {s.observer for s in specs if s.controller != "cns"} == {"sift", "akaze", "orb"}


def test_a_law_without_keypoints_has_one_column():
    suite = Suite(("render",), ("ibvs", "photometric"), ("sift", "truth"), (True, False), scenes=1)
    direct = [s for s in suite.specs() if s.controller == "photometric"]
    assert [(s.section, s.observer, s.verify) for s in direct] == [
        (section, "none", True) for section in "SML"
    ]
    assert not list(Suite(("points",), ("photometric",), ("none",), scenes=1).specs())


def test_a_renderer_is_known_and_keeps_keys_apart():
    specs = [Spec("render", "S", 0, "ibvs", "sift", renderer=r) for r in ("built-in", "mujoco")]
    assert specs[0].key + "_mujoco" == specs[1].key and specs[0].scene == specs[1].scene
    with pytest.raises(ValueError, match="renderer must be one of .*got 'ogre'"):
        Spec("render", "S", 0, "ibvs", "sift", renderer="ogre")


def test_the_command_names_what_it_does_not_know(capsys):
    for words, reason in (
        (["--observers", "surf"], "observer must be one of"),
        (["--controllers", "mpc"], "controller must be one of"),
        (["--observers", "raft_small:gone"], "needs its weights file"),
    ):
        with pytest.raises(SystemExit):
            cli.main(words)
        assert reason in capsys.readouterr().err
    assert cli.main(["--renderer", "mujoco", "--perturbations", "occluder"]) == 2
    assert "draws neither occluder nor distortion" in capsys.readouterr().err


def test_what_is_not_installed_is_said_before_anything_runs(monkeypatch, capsys, tmp_path):
    for name in ("mujoco", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    weights = tmp_path / "w.pth"
    weights.touch()
    words = ["--controllers", "ibvs", "--scenes", "1", "--out", str(tmp_path)]
    assert cli.main([*words, "--renderer", "mujoco"]) == 2
    assert "pip install '.[mujoco]'" in capsys.readouterr().err
    assert cli.main([*words, "--observers", f"raft_small:{weights}"]) == 2
    assert "pip install torchvision" in capsys.readouterr().err
