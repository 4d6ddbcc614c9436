"""The controller of a recording, once more: the same calls to the same or another version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cns_core.control.settings import ControlSettings, SessionSettings
from cns_core.geometry.correspondence import Correspondence
from cns_core.record.session_replay import Repeated, repeat_session
from cns_core.record.session_trace import SessionCall
from cns_core.share import share_directory
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.given import by_field, settings_of
from cns_ros.ros.clock import seconds
from cns_ros.ros.matches import correspondence_from_matches


@dataclass
class ControllerReplay:
    """What came of it.

    Attributes:
        steps: every call from the first ``~/start`` on.
        notes: what keeps it from being exact.
    """

    steps: list[Repeated] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def twists(self) -> list[Repeated]:
        """The calls that are or were answered with a twist."""
        return [s for s in self.steps if s.twist is not None or s.call.twist is not None]

    @property
    def parting(self) -> Repeated | None:
        """The first call that is answered otherwise."""
        return next((step for step in self.steps if not step.same), None)


def replay_controller(bag: BagReader, changed: Mapping[str, Any]) -> ControllerReplay:
    """Repeat what the controller was asked.

    Args:
        changed: parameters of the controller by name that are to be others than they were.

    Raises:
        ValueError: if the recording does not tell of the controller's calls.
    """
    calls, matches = _read(bag)
    if not calls:
        raise ValueError(
            f"{bag.path} has no controller/trace: record while the suite's controller runs"
        )
    replay = ControllerReplay()
    lost = sum(b.serial - a.serial - 1 for a, b in zip(calls, calls[1:], strict=False))
    taken = [call.image_time_s for call in calls if call.image_time_s is not None]
    blind = sum(time_s not in matches for time_s in taken)
    for count, what in ((lost, "calls of the controller"), (blind, "matches that it was given")):
        if count:
            replay.notes.append(f"{count} {what} are missing in the recording")
    given = bag.parameters("controller")
    if not given:
        replay.notes.append("the controller's parameters are missing: those by default are taken")
    control = settings_of(ControlSettings, given, changed)
    if control.controller == "cns":
        replay.notes += _other_weights(bag, control.weights)
    steps = list(repeat_session(calls, control, matches.get, by_field(SessionSettings, changed)))
    begin = next((k for k, step in enumerate(steps) if _starts(step)), len(steps))
    if any(step.call.twist is not None for step in steps[:begin]):
        replay.notes.append("it begins in the middle of an episode, which is left out")
    replay.steps = steps[begin:]
    return replay


def _starts(step: Repeated) -> bool:
    return step.call.name == "start" and not step.call.refused


def _read(bag: BagReader) -> tuple[list[SessionCall], dict[float, Correspondence]]:
    """The calls, and the matches by the time of their image."""
    calls: list[SessionCall] = []
    matches: dict[float, Correspondence] = {}
    for entry in bag.entries("controller/trace", "matches"):
        message = entry.message()
        if entry.type_name == "std_msgs/msg/String":
            calls.append(SessionCall.from_text(message.data))
        else:
            time_s = seconds(message.header.stamp)
            matches[time_s] = correspondence_from_matches(message)
    return calls, matches


def _other_weights(bag: BagReader, path: str) -> Sequence[str]:
    """Whether the weights are others than those of the recording, as far as it tells."""
    file = Path(path or share_directory() / "models" / "cns.safetensors").expanduser()
    recorded = bag.origin().get("weights_sha256", "")
    if not recorded or not file.is_file():
        return []
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return [] if digest == recorded else [f"{file} are other weights than those recorded"]
