"""With a third of the image covered by a moving board and the light halved, episodes converge."""

import numpy as np
import pytest

from cns_core.bench.loop.episode import build_environment, run_episode
from cns_core.bench.loop.plan import Spec

slow = pytest.mark.slow
DISTURBED = "occluder-light-halved"


def disturbed(section, index):
    return Spec("render", section, index, "cns", "sift-tracked", perturbation=DISTURBED)


def test_a_third_of_the_image_is_covered_wherever_the_board_is():
    env = build_environment(disturbed("L", 1))
    centres = []
    for time_s in np.linspace(0.0, 4.0, 9):
        env.time_s = time_s
        with_board = env.scene.render(env.T, env.camera, env.moving_solids())
        covered = (with_board != env.scene.render(env.T, env.camera)).any(axis=2)
        assert covered.mean() == pytest.approx(1 / 3, abs=0.01)
        centres.append(np.nonzero(covered)[1].mean())
    assert np.ptp(centres) > 250


def test_the_light_halves_on_the_way():
    env = build_environment(disturbed("S", 0))
    brightness = []
    for time_s in (1.96, 2.0):
        env.time_s = time_s
        brightness.append(env.image().mean())
    assert brightness[1] == pytest.approx(0.5 * brightness[0], rel=0.03)


@pytest.mark.parametrize(
    "section, index",
    [
        pytest.param("S", 2, marks=slow),
        pytest.param("M", 1, marks=slow),
        pytest.param("L", 1, marks=slow),
        pytest.param("L", 40, marks=slow, id="from 177 deg"),
    ],
)
def test_episodes_converge_all_the_same(section, index):
    record, _ = run_episode(disturbed(section, index))
    assert record["status"] == "converged"
    assert record["trace"]["time_s"][-1] > 2.0  # the light had changed
    assert record["rotation_error_deg"] < 0.05
    assert record["translation_error_mm"] < 0.5
