"""The door every command passes: what is wrong with it is said, and it stays outside."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike

from cns_core.geometry.twist import require_finite
from cns_core.stamp_watch import AHEAD_TOLERANCE_S


class CommandGate:
    """Lets through commands that are finite, in the right frame, fresh and in order.

    Args:
        frame: the frame commands must be in, the camera's optical frame.
        max_age_s: oldest stamp accepted. A sender on another machine needs a synchronized clock.

    Attributes:
        refused: how many commands were refused, by kind.
        refusal: why the newest command was refused, empty if it was not.
    """

    def __init__(self, frame: str, max_age_s: float):
        self.frame = frame
        self.max_age_s = max_age_s
        self.refused: Counter[str] = Counter()
        self.refusal = ""
        self._last_stamp_s: float | None = None

    def admit(
        self, twist: ArrayLike, frame: str, stamp_s: float, clock_s: float
    ) -> tuple[np.ndarray, float]:
        """Check one command.

        Args:
            twist: [vx vy vz wx wy wz] in m/s and rad/s.
            frame: name of the frame it is expressed in.
            stamp_s: when it was made, on the clock that ``clock_s`` is read from now.

        Returns:
            The (6,) twist and its age in s, not negative.

        Raises:
            ValueError: why the command is refused.
        """
        try:
            checked = require_finite(twist)
        except ValueError as error:
            raise self._refused("not finite", str(error)) from error
        if frame != self.frame:
            raise self._refused(
                "wrong frame", f"twist must be in frame {self.frame!r}, got {frame!r}"
            )
        age_s = clock_s - stamp_s
        if not age_s <= self.max_age_s:
            raise self._refused("old stamp", self._old(stamp_s, age_s))
        if age_s < -AHEAD_TOLERANCE_S:
            raise self._refused(
                "stamp in the future",
                f"twist is stamped {-age_s:.3f} s in the future, allowed {AHEAD_TOLERANCE_S} s: "
                "synchronize the sender's clock with the driver's",
            )
        if late_s := self._out_of_order_s(stamp_s, clock_s):
            raise self._refused(
                "out of order", f"twist is {late_s:.3f} s older than the one before"
            )
        self._last_stamp_s = stamp_s
        self.refusal = ""
        return checked, max(0.0, age_s)

    def _old(self, stamp_s: float, age_s: float) -> str:
        old = f"twist is {age_s:.3f} s old, allowed {self.max_age_s:.3f} s"
        if stamp_s == 0.0:
            return f"{old}: it carries no time stamp (0), which its sender must set"
        return f"{old}: slow sender or network, or clocks that differ"

    def _out_of_order_s(self, stamp_s: float, clock_s: float) -> float:
        """By how much the stamp is older than the one before, 0 if it is not."""
        last = self._last_stamp_s
        # A last stamp beyond the tolerance means that the clock was set back: start over.
        if last is None or not stamp_s < last <= clock_s + AHEAD_TOLERANCE_S:
            return 0.0
        return last - stamp_s

    def _refused(self, kind: str, reason: str) -> ValueError:
        self.refused[kind] += 1
        self.refusal = reason
        return ValueError(reason)
