"""Repeats the calls of a servo session, with the same or with another version of what it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cns_core.control.assembly import make_regulator
from cns_core.control.regulator import Regulator, Step
from cns_core.control.session import ServoSession
from cns_core.control.session_records import SILENCE, Matches, Output
from cns_core.control.settings import ControlSettings, SessionSettings
from cns_core.geometry.correspondence import Correspondence
from cns_core.record.session_trace import SessionCall


class RetimedRegulator(Regulator):
    """A regulator that says to have taken as long as it once did.

    Attributes:
        control_s: what to say, None for the truth.
    """

    control_s: float | None = None

    def step(
        self,
        correspondence: Correspondence,
        time_s: float,
        camera_pose: NDArray[np.float64] | None = None,
    ) -> Step:
        step = super().step(correspondence, time_s, camera_pose)
        if self.control_s is None:
            return step
        return replace(step, timings={**step.timings, "control": self.control_s})


@dataclass(frozen=True, eq=False)
class Repeated:
    """A call, what it was answered, and what it is answered now.

    Attributes:
        call: as it was noted.
        twist: (6,) the answer now, None for silence.
        refused: why it fails now, empty if it does not.
        correspondence: of ``take``, else None.
    """

    call: SessionCall
    twist: NDArray[np.float64] | None
    refused: str
    correspondence: Correspondence | None

    @property
    def same(self) -> bool:
        """Whether the answers agree, bit for bit."""
        before, now = self.call.twist, self.twist
        if before is None or now is None:
            return before is now and bool(self.refused) == bool(self.call.refused)
        return np.array_equal(before, now)

    @property
    def linear_m_s(self) -> float:
        """How far the linear velocities are apart; silence counts as zero."""
        return float(np.linalg.norm(self._difference()[:3]))

    @property
    def angular_rad_s(self) -> float:
        """How far the angular velocities are apart; silence counts as zero."""
        return float(np.linalg.norm(self._difference()[3:]))

    def _difference(self) -> NDArray[np.float64]:
        before, now = (np.zeros(6) if t is None else t for t in (self.call.twist, self.twist))
        return now - before


def repeat_session(
    calls: Iterable[SessionCall],
    control: ControlSettings,
    find: Callable[[float], Correspondence | None],
    changed: Mapping[str, Any] | None = None,
) -> Iterator[Repeated]:
    """Repeat calls in their order on a new session.

    Args:
        control: which controller, stop rule and terminal.
        find: gives the matches of the image of a time; None where they are not known, and the call
            is left out.
        changed: settings of the session by name that are to be others than they were.
    """
    regulator = make_regulator(control, RetimedRegulator)
    session: ServoSession | None = None
    for call in calls:
        settings = _settings(call.settings, changed or {})
        if session is None:
            session = ServoSession(regulator, settings)
        session.settings, regulator.control_s = settings, call.control_s
        seen = None if call.image_time_s is None else find(call.image_time_s)
        if call.name == "take" and seen is None:
            continue
        output, refused = SILENCE, ""
        try:
            output = _repeat(session, call, seen)
        except ValueError as reason:
            refused = str(reason)
        yield Repeated(call, output.twist, refused, seen)


def _repeat(session: ServoSession, call: SessionCall, seen: Correspondence | None) -> Output:
    if call.now is None:
        return {"stop": session.stop, "refuse": session.refuse}[call.name](call.text)
    if call.matches is not None and seen is not None:
        told: dict[str, Any] = {
            k: np.array(v) if isinstance(v, list) else v for k, v in call.matches.items()
        }
        return session.take(Matches(seen, **told), call.now)
    return {"start": session.start, "reset": session.reset, "watch": session.watch}[call.name](
        call.now
    )


def _settings(told: Mapping[str, Any], changed: Mapping[str, Any]) -> SessionSettings:
    """What was told, as far as there still is such a setting."""
    known = {each.name for each in fields(SessionSettings)}
    return SessionSettings(**{k: v for k, v in {**told, **changed}.items() if k in known})
