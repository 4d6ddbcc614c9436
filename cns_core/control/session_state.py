"""The states of a servo session and the only ways between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cns_core.control.status import Status

Event = Literal["start", "see", "lose", "converge", "diverge", "stop"]

_UNDER_WAY = tuple(status for status in Status if status.is_active)
_FROM: dict[Event, tuple[Status, ...]] = {
    "start": tuple(Status),
    "see": _UNDER_WAY,
    "lose": _UNDER_WAY,
    "converge": _UNDER_WAY,
    "diverge": _UNDER_WAY,
    "stop": tuple(Status),
}
_TO: dict[Event, Status] = {
    "start": Status.SERVOING,
    "see": Status.SERVOING,
    "lose": Status.LOST,
    "converge": Status.CONVERGED,
    "diverge": Status.DIVERGED,
    "stop": Status.IDLE,
}


@dataclass
class SessionState:
    """State, and why it is in it; ``cause`` is empty where nothing needs an explanation."""

    status: Status = Status.IDLE
    cause: str = "not started yet"

    def apply(self, event: Event, cause: str = "") -> None:
        """Take the transition named ``event``.

        Args:
            event: ``start``, ``see`` or ``lose`` (the target), ``converge``, ``diverge``, ``stop``.
            cause: why; required of ``stop``.

        Raises:
            ValueError: if the event is unknown, not possible in this state, or lacks its cause.
        """
        if event not in _TO:
            raise ValueError(f"event must be one of {list(_TO)}, got {event!r}")
        if self.status not in _FROM[event]:
            allowed = [status.value for status in _FROM[event]]
            raise ValueError(f"{event} is possible when {allowed}, not when {self.status.value}")
        if event == "stop" and not cause:
            raise ValueError("stop needs a cause")
        self.status, self.cause = _TO[event], cause
