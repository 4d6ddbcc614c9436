"""Which hand-eye results are believed: views that disagree, boards misstated, turns that lack."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from test_hand_eye_calibration import (
    CAMERA,
    CHESSBOARD,
    T_BASE_BOARD,
    T_FLANGE_CAMERA,
    viewpoints,
)

from cns_core.calibration.hand_eye_calibration import View, calibrate
from cns_core.calibration.trust import TrustBounds
from cns_core.geometry import se3

X, Y = np.meshgrid(np.arange(8), np.arange(5))
CORNERS = CHESSBOARD.square_m * np.column_stack([X.ravel(), Y.ravel(), np.zeros(X.size)])
MOVED = se3.pose(translation=(0.03, 0.0, 0.0))


def view_from(T_base_camera, rng, T_base_board=T_BASE_BOARD):
    T = se3.inverse(T_base_camera) @ T_base_board
    pixels = CAMERA.project(CORNERS @ T[:3, :3].T + T[:3, 3]) + rng.normal(0.0, 0.1, (40, 2))
    return View(T_base_camera @ se3.inverse(T_FLANGE_CAMERA), CORNERS, pixels)


def measured(count, moved=(), seed=0):
    """Views of the board; by number those before which it was moved by 30 mm."""
    rng = np.random.default_rng(seed)
    return [
        view_from(T, rng, T_BASE_BOARD @ MOVED if number in moved else T_BASE_BOARD)
        for number, T in enumerate(viewpoints(rng, count), 1)
    ]


def reasons(found):
    return "; ".join(TrustBounds().reasons(found, CHESSBOARD.square_m))


def assert_true(found):
    assert se3.rotation_error_deg(found.T_flange_camera, T_FLANGE_CAMERA) < 0.05
    assert se3.translation_error_m(found.T_flange_camera, T_FLANGE_CAMERA) < 0.5e-3


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 1000), number=st.integers(1, 15))
def test_a_view_with_the_board_elsewhere_is_named_and_left_out(seed, number):
    found = calibrate(measured(15, moved={number}, seed=seed), CAMERA)
    assert [outlier.number for outlier in found.outliers] == [number]
    assert found.outliers[0].board_mm == pytest.approx(30.0, abs=1.0)
    assert f"view {number} is" in str(found.outliers[0])
    assert_true(found)
    assert reasons(found) == ""


def test_three_bad_views_of_fifteen_are_left_out_and_four_are_too_many():
    three = calibrate(measured(15, moved={1, 8, 9}), CAMERA)
    assert [outlier.number for outlier in three.outliers] == [1, 8, 9]
    assert_true(three)
    assert reasons(three) == ""
    four = calibrate(measured(15, moved={1, 8, 9, 12}), CAMERA)
    assert "4 of 15 views do not agree with the others, allowed 25%" in reasons(four)


def test_what_is_left_without_the_bad_views_has_to_be_enough():
    found = calibrate(measured(10, moved={6}), CAMERA)
    assert [outlier.number for outlier in found.outliers] == [6]
    assert reasons(found) == "9 views agree, 10 needed: take 1 more"
    assert reasons(calibrate(measured(10), CAMERA)) == ""


@pytest.mark.parametrize("scale", [0.5, 0.96, 0.985, 1.015, 1.04, 2.0])
def test_a_misstated_square_is_told(scale):
    views = [replace(view, corners=scale * view.corners) for view in measured(15)]
    found = calibrate(views, CAMERA)
    assert found.outliers == ()
    assert found.board_scale * scale == pytest.approx(1.0, abs=2e-3)
    best_mm = 1e3 * found.board_scale * CHESSBOARD.square_m
    assert f"squares of {best_mm:.2f} mm would fit better than the 25.00 mm stated" in reasons(
        found
    )


@pytest.mark.slow
def test_poses_that_do_not_belong_to_the_images_are_refused():
    views = measured(15)
    order = np.random.default_rng(1).permutation(15)
    mixed = [
        replace(view, T_base_flange=views[i].T_base_flange)
        for view, i in zip(views, order, strict=True)
    ]
    try:
        said = reasons(calibrate(mixed, CAMERA))
    except ValueError as reason:
        said = str(reason)
    assert "disagree" in said or "no pose" in said or "do not agree" in said


def test_an_arm_that_is_not_where_it_says_shows_in_the_deviations():
    """Its error is that of a whole view: the corners, taken one by one, would promise too much."""
    rng = np.random.default_rng(0)
    views = [
        replace(v, T_base_flange=v.T_base_flange @ se3.exp(rng.normal(0.0, 1e-3, 6)))
        for v in measured(20)
    ]
    found = calibrate(views, CAMERA)
    off = 1e3 * se3.translation_error_m(found.T_flange_camera, T_FLANGE_CAMERA)
    assert off < 3.0 * found.std_mm
    assert TrustBounds(max_std_mm=0.1).reasons(found, CHESSBOARD.square_m) != []


def spun(axis, step_deg, count=12):
    """Views whose camera turns about one of its axes only, over the board's middle."""
    rng = np.random.default_rng(0)
    above = next(viewpoints(rng, 1))
    turns = (
        Rotation.from_rotvec(np.radians(step_deg * (k - count / 2)) * np.eye(3)[axis])
        for k in range(count)
    )
    return [view_from(above @ se3.pose(turn), rng) for turn in turns]


@pytest.mark.parametrize("axis", range(3))
def test_turns_about_one_axis_only_name_what_lacks(axis):
    views = spun(axis, step_deg=3.0)
    flange_axis = np.abs(T_FLANGE_CAMERA[:3, axis]).argmax()
    with pytest.raises(ValueError, match="two different axes") as refusal:
        calibrate(views, CAMERA)
    said = str(refusal.value)
    assert f"got 33.0 deg about {'xyz'[flange_axis]} of the flange" in said
    others = " or ".join("xyz"[i] for i in range(3) if i != flange_axis)
    assert f"0.0 deg about the second: turn the flange about its {others} as well" in said


def test_pure_translations_are_explained():
    rng = np.random.default_rng(0)
    above = next(viewpoints(rng, 1))
    shifted = [above @ se3.pose(translation=rng.uniform(-0.05, 0.05, 3)) for _ in range(12)]
    with pytest.raises(ValueError, match=r"got 0\.0 deg about any axis: tilt the camera"):
        calibrate([view_from(T, rng) for T in shifted], CAMERA)


@pytest.mark.parametrize("spoil", ["pixels", "corners", "T_base_flange"])
def test_a_view_that_is_not_finite_is_named(spoil):
    views = measured(10)
    bad = getattr(views[3], spoil).copy()
    bad[0, 0] = np.nan
    views[3] = replace(views[3], **{spoil: bad})
    with pytest.raises(ValueError, match="view 4 is not finite"):
        calibrate(views, CAMERA)


def test_a_view_that_tells_no_pose_is_named():
    views = measured(10)
    views[3] = replace(views[3], corners=views[3].corners[:2], pixels=views[3].pixels[:2])
    with pytest.raises(ValueError, match="view 4"):
        calibrate(views, CAMERA)


def test_what_is_not_a_number_is_not_trusted():
    found = replace(calibrate(measured(10), CAMERA), std_mm=np.nan)
    assert "position has a standard deviation of nan mm" in reasons(found)
    unknown = replace(found, residual_mm=np.nan)
    assert "disagree by nan mm" in reasons(unknown)
