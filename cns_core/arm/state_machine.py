"""The states of the driver and the only ways between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """What the driver does: only ``ARMED`` moves the arm at a command, ``STOPPING`` brakes it."""

    DISCONNECTED = "disconnected"
    DISARMED = "disarmed"
    ARMED = "armed"
    STOPPING = "stopping"
    FAULTED = "faulted"


_FROM = {
    "connect": (State.DISCONNECTED,),
    "arm": (State.DISARMED, State.FAULTED),
    "stop": (State.ARMED,),
    "rest": (State.STOPPING,),
    "fault": (State.DISARMED, State.ARMED, State.STOPPING),
    "acknowledge": (State.FAULTED,),
    "disconnect": tuple(State),
}
_TO = {
    "connect": State.DISARMED,
    "arm": State.ARMED,
    "stop": State.STOPPING,
    "rest": State.DISARMED,
    "fault": State.FAULTED,
    "acknowledge": State.DISARMED,
    "disconnect": State.DISCONNECTED,
}


@dataclass
class StateMachine:
    """State, why it is in it, and why motion last ended.

    ``cause`` is empty where nothing needs an explanation. ``last_stop`` stays until the next
    arming, so that whoever comes back to a standing arm finds out why it stands.
    """

    state: State = State.DISCONNECTED
    cause: str = "not connected yet"
    last_stop: str = ""

    @property
    def in_motion(self) -> bool:
        """True while the driver may be moving the arm."""
        return self.state in (State.ARMED, State.STOPPING)

    def apply(self, event: str, cause: str = "") -> None:
        """Take the transition named ``event``.

        Args:
            event: ``connect``, ``arm``, ``stop``, ``rest``, ``fault``, ``acknowledge`` or
                ``disconnect``.
            cause: why; required of ``stop``, ``fault`` and ``disconnect``.

        Raises:
            ValueError: if the event is unknown, not possible in this state, or lacks its cause.
        """
        if event not in _TO:
            raise ValueError(f"event must be one of {list(_TO)}, got {event!r}")
        if self.state not in _FROM[event]:
            allowed = [state.value for state in _FROM[event]]
            raise ValueError(f"{event} is possible when {allowed}, not when {self.state.value}")
        if event in ("stop", "fault", "disconnect") and not cause:
            raise ValueError(f"{event} needs a cause")
        if event == "arm":
            self.last_stop = ""
        elif cause and self.state == State.ARMED:
            self.last_stop = cause
        # Coming to rest does not explain away what the stop was for.
        self.cause = self.cause if event == "rest" else cause
        self.state = _TO[event]
