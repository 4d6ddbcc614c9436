"""`cns-bench paper`: all of the paper's comparisons, what they train included."""

import json

import pytest

from cns_core.bench import cli
from cns_core.bench.loop.comparison_suites import PAPER
from cns_core.bench.paper import paper_command, small_training
from cns_core.training.ablations import DATA_VARIANTS, TABLE_II
from cns_core.training.evaluate import Scenes


@pytest.fixture
def tiny(monkeypatch):
    """A training of a few steps, and the episodes asked for instead of run."""
    monkeypatch.setattr(small_training, "VIEWS", 4)
    monkeypatch.setattr(small_training, "UPDATES", 1)
    monkeypatch.setattr(small_training, "SHARE", 1e-4)
    monkeypatch.setattr(small_training, "SCENES", Scenes(episodes=3, steps=2, points=(8, 16)))
    asked = []

    def run_specs(specs, *_):
        asked.extend(specs)
        return 0

    monkeypatch.setattr(paper_command, "run_specs", run_specs)
    return asked


def test_everything_the_paper_compares_is_trained_and_run(tiny, tmp_path):
    assert cli.main(["paper", "--out", str(tmp_path), "--jobs", "1"]) == 0
    untrained = {spec for suite in PAPER for spec in suite.specs()}
    assert untrained < set(tiny)
    trained = [spec for spec in tiny if spec not in untrained]
    assert {spec.section for spec in trained} == {"T", "N"}, "its own picture, and new ones"
    methods = {spec.controller.partition(":")[0] for spec in trained}
    assert methods == {"cns", "siamese", "pose-cnn"}
    rows = json.loads((tmp_path / "ablations" / "ablations.json").read_text())
    assert {row["weights"] for row in rows} == {*TABLE_II, *DATA_VARIANTS}
