"""A servo session: from matches that come or do not come to twists, zeros, or silence."""

from __future__ import annotations

import numpy as np

from cns_core.control.regulator import Regulator, Step
from cns_core.control.session_records import SILENCE, Level, Matches, Now, Output, Report
from cns_core.control.session_state import Event, SessionState
from cns_core.control.settings import SessionSettings
from cns_core.control.status import Status
from cns_core.stamp_watch import Order, StampWatch

START_WITHIN_S = 1.0
"""How long ago the newest matches may have come when a session is started towards their target."""

_ASK = "the observer's diagnosis says what it lacks"

_LEVELS = {Status.LOST: Level.WARN, Status.DIVERGED: Level.ERROR}
_EVENTS: dict[Status, Event] = {
    Status.SERVOING: "see",
    Status.LOST: "lose",
    Status.CONVERGED: "converge",
    Status.DIVERGED: "diverge",
}


class ServoSession:
    """Servoes from :meth:`start` to the goal or to whatever speaks against going on.

    Ending an episode gives a number of zero twists, one at once and one at each call of
    :meth:`take` or :meth:`watch` that follows, and then silence. The clocks are the caller's.

    Args:
        regulator: controller and stop rule.
        settings: may be replaced at any time, for the next frame.
        idle_cause: what to say as long as nothing was started.

    Attributes:
        matches: the newest :class:`.Matches`, or None.
        step: the newest :class:`.Step`, or None.
    """

    def __init__(
        self,
        regulator: Regulator,
        settings: SessionSettings,
        idle_cause: str = "not started yet",
    ) -> None:
        self.settings = settings
        self.matches: Matches | None = None
        self.step: Step | None = None
        self.regulator = regulator
        self._state = SessionState(cause=idle_cause)
        self._stamps, self._order = StampWatch(), Order.NEW
        # When the newest matches from an image that may move something arrived.
        self._fresh_s = -float("inf")
        self._zeros_left = 0

    @property
    def report(self) -> Report:
        """Status, its cause, and how bad the status as such is."""
        status = self._state.status
        return Report(status, self._state.cause, _LEVELS.get(status, Level.OK))

    def start(self, now: Now) -> Output:
        """Begin an episode towards the newest matches' target, whatever went before.

        Raises:
            ValueError: saying why not; the session is then as it was.
        """
        matches = self._require_startable(now)
        self.regulator.start(
            matches.correspondence.desired, self.settings.depth_prior, matches.depth_m
        )
        self._zeros_left = 0
        self._state.apply("start")
        return Output(report=self.report)

    def reset(self, now: Now) -> Output:
        """Forget the controller's memory: an episode under way begins anew.

        Raises:
            ValueError: as :meth:`start`.
        """
        return self.start(now) if self._state.status.is_active else SILENCE

    def stop(self, cause: str) -> Output:
        """End the episode at the user's wish."""
        return self._end("stop", cause, Level.OK)

    def refuse(self, reason: str) -> Output:
        """Matches came that cannot be read: end the episode."""
        return self._end("stop", f"matches refused: {reason}", Level.ERROR)

    def take(self, matches: Matches, now: Now) -> Output:
        """Answer new matches."""
        self.matches = matches
        self._order = order = self._stamps.take(matches.image_time_s, now.image_clock_s)
        if not self._stale(now.image_clock_s):
            self._fresh_s = matches.arrival_s
        if not self._state.status.is_active:
            return self._zero()
        if order is Order.RESTARTED:
            return self._end("stop", f"{self._stamps.reason}: start again", Level.ERROR)
        if doubt := self._stamps.doubt:
            self._state.apply(_EVENTS[self._state.status], doubt)
            return Output(np.zeros(6), Report(self._state.status, doubt, Level.WARN))
        return self._servo(matches, now)

    def watch(self, now: Now) -> Output:
        """Stop when nothing fresh is observed, and give the zeros that no matches ask for.

        To be called often, whether matches come or not.
        """
        if not self._state.status.is_active:
            return self._zero()
        silence_s = now.steady_s - self._fresh_s
        if silence_s <= self.settings.matches_timeout_s:
            return SILENCE
        allowed_s = self.settings.matches_timeout_s
        silence = f"no matches for {silence_s:.2f} s, {allowed_s:.2f} s are allowed: {_ASK}"
        cause = self._state.cause or silence
        return self._end("stop", cause, Level.ERROR)

    def _require_startable(self, now: Now) -> Matches:
        if self.matches is None:
            raise ValueError(f"no matches received yet: is a desired image set? If so, {_ASK}")
        silence_s = now.steady_s - self.matches.arrival_s
        if silence_s > START_WITHIN_S:
            raise ValueError(
                f"the newest matches came {silence_s:.1f} s ago: the observer is silent, {_ASK}"
            )
        if reason := self._stale(now.image_clock_s):
            raise ValueError(reason)
        found, needed = self.matches.correspondence.count, self.regulator.controller.min_matches
        if found < needed:
            raise ValueError(
                f"{found} keypoints matched, {needed} are needed: show more of the desired view"
            )
        return self.matches

    def _stale(self, image_clock_s: float) -> str:
        """Why the newest image must not move anything, or an empty string."""
        return self._stamps.stale(image_clock_s, self.settings.max_image_age_s)

    def _servo(self, matches: Matches, now: Now) -> Output:
        try:
            self.regulator.gain = self.settings.gain
            self.regulator.steps_back = self.settings.step_back
            self.regulator.limits = (
                self.settings.max_linear_m_s,
                self.settings.max_angular_rad_s,
            )
            self.regulator.prior.give(self.settings.depth_prior)
            self.regulator.prior.seed(matches.depth_m)
            step = self.regulator.step(
                matches.correspondence, matches.image_time_s, matches.camera_pose
            )
        except ValueError as reason:
            earlier = f"{self._stamps.reason}: " if self._order is Order.EARLIER else ""
            return self._end("stop", f"{earlier}{reason}", Level.ERROR)
        self.step = step
        level = _LEVELS.get(step.status, Level.OK)
        if not step.status.is_active:
            why = step.remark if step.status is Status.DIVERGED else ""
            return self._end(_EVENTS[step.status], why, level, step)
        # The image grows older while its twist is computed.
        cause = self._stale(now.image_clock_s + step.timings["control"])
        self._state.apply(_EVENTS[step.status], cause or step.remark)
        twist = np.zeros(6) if cause else step.twist
        report = Report(step.status, cause or step.remark, Level.WARN if cause else level)
        return Output(twist, report, step)

    def _end(self, event: Event, cause: str, level: Level, step: Step | None = None) -> Output:
        """Leave the episode, if one is under way: zero twists, then silence."""
        braking = self._state.status.is_active
        if braking:
            self._zeros_left = self.settings.stop_zeros
        self._state.apply(event, cause)
        twist = self._zero().twist if braking else None
        return Output(twist, Report(self._state.status, cause, level), step)

    def _zero(self) -> Output:
        """One of the zeros that are left, or silence."""
        if not self._zeros_left:
            return SILENCE
        self._zeros_left -= 1
        return Output(np.zeros(6))
