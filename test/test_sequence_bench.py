"""The benchmark of sequences: what is drawn, and when it counts as a success."""

from argparse import Namespace

import numpy as np
import pytest

from cns_core.bench.sequences import sequence_bench
from cns_core.bench.sequences.sequence_views import draw_sequence, moved_start
from cns_core.geometry import se3

ARGUMENTS = Namespace(count=1, first=0, goals=2)


@pytest.mark.parametrize("seed", range(5))
def test_each_goal_can_be_seen_from_the_one_before(seed):
    workcell, start, goals = draw_sequence(seed, 5)
    assert len(goals) == 5
    for before, after in zip([start, *goals], goals, strict=False):
        assert se3.rotation_error_deg(before, after) <= 60.0
        assert 0.05 <= se3.translation_error_m(before, after) <= 0.4
    np.testing.assert_array_equal(draw_sequence(seed, 5)[2], goals)


@pytest.mark.parametrize("seed", range(5))
def test_the_scene_is_moved_as_a_whole_on_its_table(seed):
    _, start, _ = draw_sequence(seed, 1)
    move = start @ se3.inverse(moved_start(start, seed))
    np.testing.assert_allclose(np.linalg.norm(move[:3, 3]), 0.2)
    np.testing.assert_allclose(move[2], [0.0, 0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(se3.rotation_error_deg(np.eye(4), move), 45.0)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([(0.5, 0.1, "converged", 9), (0.09, 0.1, "converged", 9)], 0),
        ([(0.05, 0.1, "converged", 9), (0.11, 0.1, "converged", 9)], 1),
        ([(0.05, 0.1, "converged", 9), (0.05, 0.1, "diverged", 9)], 1),
        ([(0.05, 0.1, "converged", 9)], 1),
    ],
)
def test_home_is_a_tenth_of_a_millimetre_after_all_goals(rows, code, monkeypatch, capsys):
    monkeypatch.setattr(sequence_bench, "teach", lambda *_: None)
    monkeypatch.setattr(sequence_bench, "repeat", lambda *_: rows)
    assert sequence_bench.run(ARGUMENTS) == code
    assert f"{2 - 2 * code} of 2 home" in capsys.readouterr().out or len(rows) == 1


@pytest.mark.slow
def test_a_sequence_comes_home():
    assert sequence_bench.run(ARGUMENTS) == 0
