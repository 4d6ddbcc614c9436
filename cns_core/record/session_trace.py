"""Every call of a servo session with all that its answer depends on: enough to repeat it exactly.

What a session answers hangs on when messages came, which poses were known by then and how long the
controller took. None of that can be told from the topics afterwards, so it is noted at the call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cns_core.control.regulator import Regulator
from cns_core.control.session import ServoSession
from cns_core.control.session_records import SILENCE, Matches, Now, Output
from cns_core.control.settings import SessionSettings


@dataclass(frozen=True, eq=False)
class SessionCall:
    """One call and its answer.

    Attributes:
        serial: counts the calls, from 0: a gap shows what was lost.
        name: of the method: start, reset, stop, refuse, take or watch.
        settings: of the session at the call, by name.
        now: the two clocks, None where the method asks for none.
        text: what was said to ``stop`` and ``refuse``.
        matches: of ``take``: all fields of :class:`.Matches` but the correspondence, which the
            topic ``matches`` tells.
        control_s: how long the regulator took, None where it was not asked.
        twist: (6,) the answer, None for silence.
        status: of the session after the call.
        refused: why the call failed, empty if it did not.
    """

    serial: int
    name: str
    settings: Mapping[str, Any]
    now: Now | None = None
    text: str = ""
    matches: Mapping[str, Any] | None = None
    control_s: float | None = None
    twist: NDArray[np.float64] | None = None
    status: str = ""
    refused: str = ""

    def to_text(self) -> str:
        """One line of JSON, whose numbers are read back to the last digit."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        content["now"] = None if self.now is None else asdict(self.now)
        return json.dumps(content, default=lambda array: array.tolist())

    @classmethod
    def from_text(cls, text: str) -> SessionCall:
        """Read what :meth:`to_text` wrote.

        Raises:
            ValueError: if the text is none of that.
        """
        try:
            content = json.loads(text)
            now, twist = content["now"], content["twist"]
            content["now"] = None if now is None else Now(**now)
            content["twist"] = None if twist is None else np.array(twist)
            return cls(**content)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{text[:80]!r} is no call of a session: {error}") from error

    @property
    def image_time_s(self) -> float | None:
        """Of ``take``: when its image was taken; tells which matches they were."""
        return None if self.matches is None else self.matches["image_time_s"]


class TracedSession(ServoSession):
    """A session that tells of every call.

    Args:
        regulator, settings, idle_cause: as of :class:`.ServoSession`.
        tell: is given each :class:`SessionCall` once it is answered.
    """

    def __init__(
        self,
        regulator: Regulator,
        settings: SessionSettings,
        idle_cause: str = "not started yet",
        *,
        tell: Callable[[SessionCall], None],
    ) -> None:
        super().__init__(regulator, settings, idle_cause)
        self._tell = tell
        self._serial = 0
        self._under_way = False

    def start(self, now: Now) -> Output:
        return self._traced("start", super().start, now)

    def reset(self, now: Now) -> Output:
        return self._traced("reset", super().reset, now)

    def stop(self, cause: str) -> Output:
        return self._traced("stop", super().stop, text=cause)

    def refuse(self, reason: str) -> Output:
        return self._traced("refuse", super().refuse, text=reason)

    def take(self, matches: Matches, now: Now) -> Output:
        return self._traced("take", super().take, now, matches=matches)

    def watch(self, now: Now) -> Output:
        return self._traced("watch", super().watch, now)

    def _traced(
        self,
        name: str,
        call: Callable[..., Output],
        now: Now | None = None,
        *,
        text: str = "",
        matches: Matches | None = None,
    ) -> Output:
        """Call, and tell of it, unless it is part of a call that is told of."""
        arguments = [each for each in (text or None, matches, now) if each is not None]
        if self._under_way:
            return call(*arguments)
        self._under_way, output, refused = True, SILENCE, ""
        try:
            output = call(*arguments)
            return output
        except ValueError as reason:
            refused = str(reason)
            raise
        finally:
            self._under_way = False
            self._tell(
                SessionCall(
                    serial=self._serial,
                    name=name,
                    settings=asdict(self.settings),
                    now=now,
                    text=text,
                    matches=None if matches is None else _beside_correspondence(matches),
                    control_s=None if output.step is None else output.step.timings["control"],
                    twist=output.twist,
                    status=str(self.report.status),
                    refused=refused,
                )
            )
            self._serial += 1


def _beside_correspondence(matches: Matches) -> dict[str, Any]:
    """All that a session is told of an image beside the keypoints."""
    names = [each.name for each in fields(matches) if each.name != "correspondence"]
    return {name: getattr(matches, name) for name in names}
