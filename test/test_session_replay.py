"""A servo session's calls, noted and repeated: the same to the last bit, or where it parts."""

from dataclasses import replace

import numpy as np
import pytest
from support_structure import START, World

from cns_core.control.factory import make_controller, make_stop_rule
from cns_core.control.guide import make_guide
from cns_core.control.session_records import Matches, Now
from cns_core.control.settings import ControlSettings, SessionSettings
from cns_core.geometry import se3
from cns_core.record.session_replay import RetimedRegulator, repeat_session
from cns_core.record.session_trace import SessionCall, TracedSession

PERIOD_S = 0.04
IBVS = ControlSettings(controller="ibvs")


class Episode:
    """A closed loop in a world of points, whose calls are noted.

    Attributes:
        calls: as they were written and read back.
        seen: correspondences by the time of their image.
    """

    def __init__(self, control=IBVS):
        regulator = RetimedRegulator(
            make_controller(control.controller, None, control.terminal),
            make_stop_rule(control.stop),
            guide=make_guide(),
        )
        self.session = TracedSession(regulator, SessionSettings(), tell=self._tell)
        self.regulator = regulator
        self.calls, self.seen = [], {}
        self.world, self.T = World(), START
        self.time_s = 1.7e9 + 0.123456789

    def _tell(self, call):
        self.calls.append(SessionCall.from_text(call.to_text()))

    @property
    def now(self):
        return Now(self.time_s + 0.013, self.time_s - 1.6e9)

    def frame(self, measured=True):
        """One image, answered, and moved by."""
        self.time_s += PERIOD_S
        seen = self.world.matches(self.T)
        self.seen[self.time_s] = seen
        pose = self.world.odometry(self.T) if measured else None
        output = self.session.take(Matches(seen, self.time_s, self.now.steady_s, pose), self.now)
        if output.twist is not None:
            self.T = self.T @ se3.exp(output.twist * PERIOD_S)
        return output

    def repeat(self, control=IBVS, **changed):
        return list(repeat_session(self.calls, control, self.seen.get, changed))


@pytest.fixture
def episode():
    """Every kind of call, poses that are not always there, and a gain that changes."""
    episode = Episode()
    with pytest.raises(ValueError):
        episode.session.start(episode.now)
    episode.frame()
    episode.session.start(episode.now)
    for k in range(30):
        episode.frame(measured=k not in (7, 8))
        if k % 3 == 0:
            episode.session.watch(episode.now)
    episode.session.settings = replace(episode.session.settings, gain=0.5)
    episode.frame()
    episode.session.reset(episode.now)
    episode.frame()
    episode.session.refuse("no cloud")
    episode.frame()
    episode.session.start(episode.now)
    episode.frame()
    episode.session.stop("enough")
    episode.session.watch(episode.now)
    return episode


def test_a_call_is_read_back_to_the_last_bit(episode):
    names = {call.name for call in episode.calls}
    assert names == {"start", "reset", "stop", "refuse", "take", "watch"}
    assert [call.serial for call in episode.calls] == list(range(len(episode.calls)))
    for call in episode.calls:
        assert call.to_text() == SessionCall.from_text(call.to_text()).to_text()
    taken = next(call for call in episode.calls if call.name == "take")
    assert taken.image_time_s in episode.seen


def test_another_text_is_refused():
    for text in ("", "{}", "[1]", '{"now": null, "twist": null}'):
        with pytest.raises(ValueError):
            SessionCall.from_text(text)


def test_the_same_version_answers_the_same_bit_for_bit(episode):
    repeated = episode.repeat()
    assert len(repeated) == len(episode.calls)
    assert all(each.same for each in repeated)
    assert sum(each.twist is not None and each.twist.any() for each in repeated) > 30
    assert repeated[0].refused and repeated[0].refused == repeated[0].call.refused


@pytest.mark.slow
def test_the_policy_is_repeated_bit_for_bit_too():
    control = ControlSettings()
    episode = Episode(control)
    episode.regulator.control_s = 0.01  # whatever a busy machine makes of it
    episode.frame()
    episode.session.start(episode.now)
    moved = [episode.frame() for _ in range(8)]
    assert all(output.twist.any() for output in moved)
    assert all(each.same for each in episode.repeat(control))


def test_another_version_parts_where_it_answers_otherwise(episode):
    repeated = episode.repeat(gain=0.9)
    first = next(k for k, each in enumerate(repeated) if not each.same)
    before = [each for each in repeated[:first] if each.twist is not None]
    assert not before and repeated[first].call.name == "take"
    apart = repeated[first]
    assert apart.linear_m_s == pytest.approx(0.1 * np.linalg.norm(apart.call.twist[:3]))
    assert apart.angular_rad_s == pytest.approx(0.1 * np.linalg.norm(apart.call.twist[3:]))


def test_a_twist_that_came_too_late_is_repeated_as_too_late():
    episode = Episode()
    episode.frame()
    episode.session.start(episode.now)
    assert episode.frame().twist.any()
    episode.regulator.control_s = 1.0
    assert not episode.frame().twist.any()
    repeated = episode.repeat()
    assert all(each.same for each in repeated)
    # It was the time that it took, and nothing else, that made it zero.
    hurried = [replace(call, control_s=0.0) for call in episode.calls]
    again = list(repeat_session(hurried, IBVS, episode.seen.get))
    assert again[-1].twist.any()


def test_matches_that_are_lost_are_left_out(episode):
    lost = episode.calls[5].image_time_s or episode.calls[6].image_time_s
    found = {time_s: seen for time_s, seen in episode.seen.items() if time_s != lost}
    assert len(list(repeat_session(episode.calls, IBVS, found.get))) == len(episode.calls) - 1
