"""Where an image's age comes from, in the words of those it passes."""

import numpy as np
import pytest

from cns_ros.sim.image_age import stages_in_words, stages_ms, yardstick_ms

OBSERVER = {"arrival_ms_p50": "20.0", "observe_ms_p50": "12.0"}
CONTROLLER = {"arrival_ms_p50": "37.0", "control_ms_p50": "5.0"}


def test_the_stages_add_up_to_the_age_of_the_twist():
    stages = stages_ms({"observer": OBSERVER, "controller": CONTROLLER})
    assert stages == {"to_observer": 20.0, "observe": 12.0, "to_controller": 5.0, "control": 5.0}
    assert sum(stages.values()) == pytest.approx(42.0)


@pytest.mark.parametrize("told", [{}, {"observer": OBSERVER}, {"observer": {}, "controller": {}}])
def test_nothing_is_made_up_while_a_node_is_silent(told):
    assert stages_ms(told) == {}
    assert "unknown" in stages_in_words(stages_ms(told), 20.0)


def test_the_yardstick_is_a_time_of_its_own_image():
    rng = np.random.default_rng(0)
    small, large = (rng.integers(0, 255, (n, n, 3), np.uint8) for n in (64, 512))
    assert 0.0 < yardstick_ms(small) < yardstick_ms(large)
