"""Closed loops on photographs with depth: scenes, starts, tools in view, and the tables."""

from types import SimpleNamespace

import numpy as np
import pytest

from cns_core.bench import cli
from cns_core.bench.loop.conditions import conditions_of
from cns_core.bench.loop.photo import SECTIONS, WAY, card_environment, draw_views
from cns_core.bench.loop.plan import Spec
from cns_core.bench.photos.held_still import HeldView, held_views, table
from cns_core.bench.photos.loop_table import false_claim, succeeded
from cns_core.bench.photos.loop_table import table as loop_table
from cns_core.bench.photos.photo_scenes import card_scene, stereo_scene
from cns_core.geometry import se3
from cns_core.twin.world.pasted_tool import PastedTool


@pytest.mark.parametrize("section", SECTIONS)
def test_starts_lie_as_far_away_as_they_should(section):
    rng = np.random.default_rng(0)
    goal, start = draw_views(rng, card_scene(rng, "tuning"), SECTIONS[section])
    low, high = SECTIONS[section]
    assert low <= se3.rotation_error_deg(goal, start) <= high + 0.01
    way = se3.translation_error_m(goal, start) / np.linalg.norm(goal[:3, 3])
    assert WAY[0] <= way <= WAY[1]


def test_the_same_scene_follows_from_its_index():
    first, again = (card_environment("S", 3, conditions_of("none")) for _ in range(2))
    np.testing.assert_array_equal(first.desired_image, again.desired_image)
    np.testing.assert_array_equal(first.T, again.T)


def test_the_stereo_view_has_its_depth_about_the_origin():
    depth = 1.0 / stereo_scene().front.inverse_depth
    assert np.median(depth) == pytest.approx(1.0, abs=0.01)
    assert 0.7 < depth.min() < 0.85
    assert 1.5 < depth.max() < 2.2


@pytest.mark.parametrize("seed", range(4))
def test_a_pasted_tool_covers_a_tenth_to_four_tenths(seed):
    tool = PastedTool(640, 480, seed)
    assert 0.09 < tool.cover.mean() < 0.41
    plain = np.zeros((480, 640, 3), np.uint8)
    assert (tool.before(plain)[tool.mask] == 0).all()


def test_what_a_stereo_view_cannot_show_is_refused():
    with pytest.raises(ValueError, match="mujoco"):
        Spec("stereo", "S", 0, "cns", "sift-tracked", renderer="mujoco")


def record(rotation_deg, translation_mm, status="converged"):
    spec = {"environment": "cards", "perturbation": "none", "observer": "sift-tracked"}
    return {
        "spec": spec,
        "goal_m": [0.0, 0.3, 0.4],
        "rotation_error_deg": rotation_deg,
        "translation_error_mm": translation_mm,
        "status": status,
        "steps": 100,
    }


def test_success_and_false_claims_are_told_by_the_distance():
    near, beside, far = record(0.1, 1.4), record(0.1, 1.6), record(0.1, 5.1)
    assert [succeeded(each) for each in (near, beside, far)] == [True, False, False]
    assert [false_claim(each) for each in (near, beside, far)] == [False, False, True]
    assert not false_claim(record(30.0, 100.0, "lost"))
    assert "| 1 of 3 (6 to 79 %) | 100 | 0.100, 0.100 | 0.280, 0.280 | 1 |" in loop_table(
        [near, beside, far]
    )


def test_only_views_off_the_goal_are_called_falsely_converged():
    values = {"scene": "cards-S000", "perturbation": "tool", "way": 1.0, "matched": 9, "left": 9}
    views = [
        HeldView(**values, rotation_deg=deg, translation_share=share, converged=converged)
        for deg, share, converged in ((0.5, 0.005, True), (2.0, 0.0, True), (2.0, 0.0, False))
    ]
    assert [view.false for view in views] == [False, True, False]
    assert "| `all` | 3 | 2 | 1 |" in table(views)


@pytest.mark.parametrize("images", ["1", "0", "two"])
def test_a_view_is_held_for_two_images_at_least(images, capsys):
    with pytest.raises(SystemExit):
        cli.main(["held-still", "--images", images])
    assert f"at least 2, got '{images}'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_tool_in_view_is_no_goal():
    args = SimpleNamespace(
        views=4,
        first_scene=0,
        seconds=2.4,
        images=2,
        observer="sift-tracked",
        perturbations=("tool-pasted",),
    )
    views = list(held_views(args))
    assert len(views) == 4
    assert all(view.wrong for view in views)
    assert not any(view.false for view in views)
