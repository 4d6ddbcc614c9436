"""The door every command passes: what is wrong with it is said, and it stays outside."""

from collections import Counter

from cns_core.arm.limits import require_finite

_AHEAD_TOLERANCE_S = 0.05


class CommandGate:
    """Lets through commands that are finite, in the right frame, fresh and in order.

    Args:
        frame: the frame commands must be in, the camera's optical frame.
        max_age_s: oldest stamp accepted. A sender on another machine needs a synchronized clock.

    Attributes:
        refused: how many commands were refused, by kind.
        refusal: why the newest command was refused, empty if it was not.
    """

    def __init__(self, frame, max_age_s):
        self.frame = frame
        self.max_age_s = max_age_s
        self.refused = Counter()
        self.refusal = ""
        self._last_stamp_s = None

    def admit(self, twist, frame, stamp_s, clock_s):
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
            twist = require_finite(twist)
        except ValueError as error:
            self._refuse("not finite", str(error))
        if frame != self.frame:
            self._refuse("wrong frame", f"twist must be in frame {self.frame!r}, got {frame!r}")
        age_s = clock_s - stamp_s
        if not age_s <= self.max_age_s:
            self._refuse("old stamp", f"twist is {age_s:.3f} s old, allowed {self.max_age_s:.3f} s")
        if age_s < -_AHEAD_TOLERANCE_S:
            self._refuse("stamp in the future", f"twist is stamped {-age_s:.3f} s in the future")
        if self._out_of_order(stamp_s, clock_s):
            late_s = self._last_stamp_s - stamp_s
            self._refuse("out of order", f"twist is {late_s:.3f} s older than the one before")
        self._last_stamp_s = stamp_s
        self.refusal = ""
        return twist, max(0.0, age_s)

    def _out_of_order(self, stamp_s, clock_s):
        last = self._last_stamp_s
        # A last stamp beyond the tolerance means that the clock was set back: start over.
        return last is not None and stamp_s < last <= clock_s + _AHEAD_TOLERANCE_S

    def _refuse(self, kind, reason):
        self.refused[kind] += 1
        self.refusal = reason
        raise ValueError(reason)
