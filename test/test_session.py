"""The servo session: from start to the goal, and every way of stopping, without ROS."""

import numpy as np
import pytest

from cns_core.control.controller import Controller
from cns_core.control.regulator import Regulator
from cns_core.control.session import ServoSession
from cns_core.control.session_records import SILENCE, Level, Matches, Now
from cns_core.control.session_state import SessionState
from cns_core.control.settings import ControlSettings, SessionSettings
from cns_core.control.status import Status
from cns_core.control.stop_rule import Judgement, StopRule
from cns_core.geometry.correspondence import Correspondence

DESIRED = np.random.default_rng(1).uniform(-0.4, 0.4, (20, 2))
ALL = np.ones(20, bool)
FEW = np.arange(20) < 3
STAMPS_AHEAD_S = 1e9
"""What the images' clock is ahead of the steady one: the session must not mix them."""


class Constant(Controller):
    """Always answers the same; counts its starts."""

    min_matches = 4

    def __init__(self):
        self.twist, self.starts = np.full(6, 0.1), 0

    def start(self, desired):
        self.starts += 1

    def velocity(self, correspondence):
        return self.twist


class AtWill(StopRule):
    """Converges when it is told to; shares the rest with all rules."""

    goal_reached = False

    def convergence_test(self, desired):
        return self

    def judge(self, correspondence, time_s, remaining=None):
        return Judgement(correspondence.error, self.goal_reached)

    def forget(self):
        pass


class Rig:
    """A session whose clocks the test turns."""

    def __init__(self, **settings):
        self.controller, self.rule = Constant(), AtWill()
        self.session = ServoSession(
            Regulator(self.controller, self.rule), SessionSettings(**settings)
        )
        self.time_s = 50.0

    @property
    def now(self):
        return Now(self.time_s + STAMPS_AHEAD_S, self.time_s)

    def pass_time(self, duration_s):
        self.time_s += duration_s

    def send(self, matched=ALL, offset=0.1, age_s=0.0, after_s=0.04):
        """What the session gives for matches that come now, of an image taken some time ago."""
        self.pass_time(after_s)
        seen = Correspondence(DESIRED, DESIRED + offset, matched)
        taken_s = self.now.image_clock_s - age_s
        return self.session.take(Matches(seen, taken_s, self.time_s), self.now)

    def start(self):
        self.send()
        return self.session.start(self.now)

    def watch(self, after_s=0.1):
        self.pass_time(after_s)
        return self.session.watch(self.now)

    def lose(self):
        """Show frames without the target until it is lost."""
        for _ in range(100):
            if self.send(FEW).report.status is Status.LOST:
                return
        raise AssertionError("the target was never lost")


@pytest.fixture
def rig():
    return Rig()


@pytest.fixture
def servoing(rig):
    rig.start()
    return rig


def assert_zero(output):
    np.testing.assert_array_equal(output.twist, np.zeros(6))


def assert_zeros_then_silence(rig, zeros):
    """``zeros`` more zero twists come, whoever asks, and then none."""
    for n in range(zeros):
        output = rig.watch() if n % 2 else rig.send()
        assert_zero(output)
        assert output.report is None
    assert rig.send() is SILENCE
    assert rig.watch(after_s=100.0) is SILENCE


def test_nothing_comes_before_the_start(rig):
    assert rig.session.report.status is Status.IDLE
    assert rig.session.report.cause == "not started yet"
    assert rig.send() is SILENCE
    assert rig.watch(after_s=100.0) is SILENCE


def test_the_start_is_reported_and_the_next_matches_are_answered(rig):
    report = rig.start().report
    assert (report.status, report.cause, report.level) == (Status.SERVOING, "", Level.OK)
    output = rig.send()
    np.testing.assert_allclose(output.twist, 0.1 * np.repeat([0.5, 1.0], 3))
    assert output.report == report
    assert rig.session.step is output.step


def test_the_settings_take_effect_at_the_next_frame(servoing):
    servoing.session.settings = SessionSettings(depth_prior=1.0, gain=1.2)
    np.testing.assert_allclose(servoing.send().twist, 0.12)
    servoing.session.settings = SessionSettings(max_linear_m_s=0.01)
    slow = servoing.send().twist
    assert np.linalg.norm(slow[:3]) == pytest.approx(0.01)
    np.testing.assert_allclose(slow / slow[5], np.repeat([0.5, 1.0], 3))


def test_a_start_without_matches_is_refused(rig):
    with pytest.raises(ValueError, match="no matches received"):
        rig.session.start(rig.now)


def test_a_start_long_after_the_last_matches_is_refused(rig):
    rig.send()
    rig.pass_time(1.1)
    with pytest.raises(ValueError, match=r"came 1\.1 s ago: the observer is silent"):
        rig.session.start(rig.now)
    assert rig.session.report.status is Status.IDLE


def test_a_start_from_an_old_image_is_refused(rig):
    rig.send(age_s=0.6)
    with pytest.raises(ValueError, match=r"the image is 0\.60 s old"):
        rig.session.start(rig.now)


def test_a_start_with_too_few_matches_is_refused(rig):
    rig.send(FEW)
    with pytest.raises(ValueError, match="3 keypoints matched, 4 are needed"):
        rig.session.start(rig.now)


def test_a_refused_start_lets_an_episode_go_on(servoing):
    servoing.send(FEW)
    with pytest.raises(ValueError, match="3 keypoints"):
        servoing.session.start(servoing.now)
    assert np.any(servoing.send().twist)


def test_the_goal_ends_the_episode_with_zeros_and_then_silence(servoing):
    servoing.rule.goal_reached = True
    output = servoing.send()
    assert_zero(output)
    report = output.report
    assert (report.status, report.cause, report.level) == (Status.CONVERGED, "", Level.OK)
    assert_zeros_then_silence(servoing, 4)
    assert servoing.session.report.status is Status.CONVERGED


def test_the_number_of_zeros_is_a_setting():
    rig = Rig(stop_zeros=2)
    rig.start()
    assert_zero(rig.session.stop("enough"))
    assert_zeros_then_silence(rig, 1)


def test_a_growing_error_ends_the_episode(servoing):
    servoing.send(offset=0.1)
    output = servoing.send(offset=1.0)
    while output.report.status is Status.SERVOING:
        output = servoing.send(offset=1.0)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.DIVERGED, Level.ERROR)
    assert servoing.session.report.level is Level.ERROR
    assert_zeros_then_silence(servoing, 4)


def test_a_lost_target_stands_still_and_is_found_again(servoing):
    servoing.lose()
    output = servoing.send(FEW)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.LOST, Level.WARN)
    found = servoing.send()
    assert found.report.status is Status.SERVOING
    assert np.any(found.twist)


def test_a_lost_target_that_comes_back_at_the_goal_has_converged(servoing):
    servoing.lose()
    servoing.rule.goal_reached = True
    assert servoing.send().report.status is Status.CONVERGED


def test_silence_ends_the_episode(servoing):
    servoing.send()
    assert servoing.watch(after_s=0.4) is SILENCE
    output = servoing.watch(after_s=0.2)
    assert_zero(output)
    report = output.report
    assert (report.status, report.level) == (Status.IDLE, Level.ERROR)
    assert report.cause.startswith("no matches for 0.60 s, 0.50 s are allowed: the observer's")
    assert_zeros_then_silence(servoing, 4)


def test_silence_ends_an_episode_whose_target_is_lost(servoing):
    servoing.lose()
    assert servoing.watch(after_s=0.6).report.status is Status.IDLE


def test_an_old_image_moves_nothing(servoing):
    output = servoing.send(age_s=0.6)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.SERVOING, Level.WARN)
    assert "s old" in output.report.cause
    fresh = servoing.send(after_s=0.7)
    assert np.any(fresh.twist)
    assert (fresh.report.cause, fresh.report.level) == ("", Level.OK)


def test_an_image_that_grows_old_while_its_twist_is_computed_moves_nothing(servoing, monkeypatch):
    clock = iter([0.0, 0.3])
    monkeypatch.setattr("cns_core.control.regulator.time.perf_counter", lambda: next(clock))
    output = servoing.send(age_s=0.3)
    assert_zero(output)
    assert "the image is 0.60 s old" in output.report.cause


def test_old_images_alone_end_the_episode(servoing):
    servoing.send()
    for _ in range(3):
        assert_zero(servoing.send(age_s=0.6, after_s=0.65))
    output = servoing.watch(after_s=0.0)
    assert (output.report.status, output.report.level) == (Status.IDLE, Level.ERROR)
    assert "s old" in output.report.cause


def test_the_images_clock_may_stand_still(servoing):
    """Silence counts on the steady clock: nothing else would stop the camera then."""
    stopped = servoing.now.image_clock_s
    servoing.pass_time(0.6)
    output = servoing.session.watch(Now(stopped, servoing.time_s))
    assert output.report.status is Status.IDLE


def test_a_start_with_images_from_the_future_is_refused_with_the_offset(rig):
    rig.send(age_s=-7.0)
    with pytest.raises(ValueError, match=r"stamped 7\.00 s in the future, 0\.05 s are allowed"):
        rig.session.start(rig.now)


def test_a_start_from_images_without_stamps_is_refused(rig):
    for _ in range(10):
        rig.send(age_s=rig.now.image_clock_s + 0.04)
    with pytest.raises(ValueError, match=r"images carry no time stamp \(0\).*stamp:=receive"):
        rig.session.start(rig.now)


def test_a_start_from_pictures_that_hang_back_is_refused_though_their_age_is_small(rig):
    for late_s in np.arange(0.0, 3.1, 0.02):
        rig.send(age_s=late_s - 3.0)
    with pytest.raises(ValueError, match=r"hang back by 3\.0\d s.*their clock is \d\.\d+ s ahead"):
        rig.session.start(rig.now)


@pytest.mark.parametrize("late_s", [-3600.0, -3.0, 3.0, 3600.0, STAMPS_AHEAD_S + 60.0])
def test_one_bad_stamp_moves_nothing_and_the_episode_goes_on(servoing, late_s):
    servoing.send()
    output = servoing.send(age_s=late_s)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.SERVOING, Level.WARN)
    assert "stamp" in output.report.cause
    after = servoing.send()
    assert np.any(after.twist)
    assert after.report.cause == ""


def test_a_bad_stamp_does_not_find_a_lost_target(servoing):
    servoing.lose()
    assert servoing.send(age_s=-3600.0).report.status is Status.LOST


@pytest.mark.parametrize(("ahead_s", "way"), [(3.0, "3.00 s ahead"), (-3.0, "3.00 s back")])
def test_a_clock_that_is_set_ends_the_episode_and_the_jump_is_named(servoing, ahead_s, way):
    servoing.send()
    output = servoing.send(age_s=-ahead_s)
    while output.report.status is Status.SERVOING:
        assert_zero(output)
        output = servoing.send(age_s=-ahead_s)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.IDLE, Level.ERROR)
    assert f"clock that stamps the images was set {way}" in output.report.cause


def test_a_clock_that_is_slowly_ahead_stops_the_arm_and_the_offset_is_named(servoing):
    """A clock that runs fast makes late pictures look fresh, until it shows."""
    for ahead_s in np.arange(0.0, 0.6, 0.01):
        output = servoing.send(age_s=-ahead_s)
        if ahead_s > 0.051:
            assert_zero(output)
    output = servoing.watch(after_s=0.05)
    assert output.report.status is Status.IDLE
    assert "0.59 s in the future" in output.report.cause


def test_another_target_ends_the_episode(servoing):
    other = Correspondence(DESIRED + 0.01, DESIRED, ALL)
    matches = Matches(other, servoing.now.image_clock_s, servoing.time_s)
    output = servoing.session.take(matches, servoing.now)
    assert_zero(output)
    assert (output.report.status, output.report.level) == (Status.IDLE, Level.ERROR)
    assert "another desired image" in output.report.cause
    assert servoing.session.start(servoing.now).report.status is Status.SERVOING


def test_a_twist_that_is_not_finite_ends_the_episode(servoing):
    servoing.controller.twist = np.full(6, np.nan)
    output = servoing.send()
    assert_zero(output)
    assert "not finite" in output.report.cause


def test_images_out_of_order_end_the_episode(servoing):
    servoing.send()
    output = servoing.send(age_s=0.1)
    assert_zero(output)
    assert output.report.cause.startswith("an image is 0.060 s older than the one before: time_s")


def test_matches_that_cannot_be_read_end_the_episode(servoing):
    output = servoing.session.refuse("no such field")
    assert_zero(output)
    assert output.report.cause == "matches refused: no such field"
    assert output.report.level is Level.ERROR
    assert_zeros_then_silence(servoing, 4)


def test_matches_that_cannot_be_read_are_reported_while_idle_too(rig):
    output = rig.session.refuse("no such field")
    assert output.twist is None
    assert (output.report.status, output.report.level) == (Status.IDLE, Level.ERROR)


def test_a_stop_ends_the_episode(servoing):
    output = servoing.session.stop("stopped by hand")
    assert_zero(output)
    report = output.report
    assert (report.status, report.cause, report.level) == (
        Status.IDLE,
        "stopped by hand",
        Level.OK,
    )
    assert_zeros_then_silence(servoing, 4)


def test_a_stop_while_idle_adds_no_zeros(servoing):
    servoing.session.stop("stopped by hand")
    assert servoing.session.stop("stopped again").twist is None
    assert_zeros_then_silence(servoing, 4)


def test_a_start_ends_the_zeros(servoing):
    servoing.session.stop("stopped by hand")
    assert servoing.start().report.status is Status.SERVOING
    assert servoing.watch(after_s=0.0) is SILENCE
    assert np.any(servoing.send().twist)


def test_a_reset_while_servoing_begins_anew(servoing):
    servoing.send()
    output = servoing.session.reset(servoing.now)
    assert output.report.status is Status.SERVOING
    assert servoing.controller.starts == 2
    assert np.any(servoing.send().twist)


def test_a_reset_of_a_lost_target_needs_it_in_sight(servoing):
    servoing.lose()
    with pytest.raises(ValueError, match="3 keypoints matched"):
        servoing.session.reset(servoing.now)
    assert servoing.session.report.status is Status.LOST


@pytest.mark.parametrize("end", ["idle", "converged"])
def test_a_reset_without_an_episode_changes_nothing(servoing, end):
    if end == "idle":
        servoing.session.stop("stopped by hand")
    else:
        servoing.rule.goal_reached = True
        servoing.send()
    assert servoing.session.reset(servoing.now) is SILENCE
    assert servoing.session.report.status == end
    assert servoing.controller.starts == 1


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("see", Status.SERVOING),
        ("lose", Status.LOST),
        ("converge", Status.CONVERGED),
        ("diverge", Status.DIVERGED),
    ],
)
def test_what_the_camera_sees_counts_only_in_an_episode(event, status):
    for earlier in Status:
        state = SessionState(earlier)
        if earlier in (Status.SERVOING, Status.LOST):
            state.apply(event, "because")
            assert (state.status, state.cause) == (status, "because")
        else:
            with pytest.raises(ValueError, match=f"{event} is possible when .* not when"):
                state.apply(event, "because")
            assert state.status is earlier


@pytest.mark.parametrize("earlier", Status)
def test_start_and_stop_are_always_possible(earlier):
    state = SessionState(earlier, "something")
    state.apply("start")
    assert (state.status, state.cause) == (Status.SERVOING, "")
    state = SessionState(earlier, "something")
    state.apply("stop", "enough")
    assert (state.status, state.cause) == (Status.IDLE, "enough")


def test_a_stop_has_a_cause_and_unknown_events_are_named():
    with pytest.raises(ValueError, match="stop needs a cause"):
        SessionState().apply("stop")
    with pytest.raises(ValueError, match="event must be one of .* got 'go'"):
        SessionState().apply("go")


def test_senseless_settings_are_refused():
    for value in (0.0, float("nan"), "far", True, None, [0.5]):
        with pytest.raises(ValueError) as refused:
            SessionSettings(depth_prior=value)
        assert str(refused.value) == (
            f"depth_prior must be 'auto' or a number in [0.01, 100.0] m, got {value!r}"
        )
    with pytest.raises(ValueError, match="terminal must be one of .* got 'magic'"):
        ControlSettings(terminal="magic")
