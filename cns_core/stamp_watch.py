"""Whether the time stamps of a camera's images can be believed, and how old they say it all is.

An age is the difference of two clocks. It means something only as long as both tell the same time,
so everything that shows that they do not is looked for here, and said with the offset seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from cns_core.lag import Lag

AHEAD_TOLERANCE_S = 0.05
"""How far ahead of the clock a stamp may be: synchronized clocks agree better than this."""

ENOUGH = 5
"""So many images in a row are no accident."""

_JUMP_S = 0.5
_REORDERED_S = 1.0
# Quartz drifts by 1e-4 at most, and there are two of them.
_DRIFT = 2e-4
_SINCE_1970_S = 1e9
_REMEDY = "synchronize the camera's clock with this machine's, or set the observer's stamp:=receive"
_NO_CLOCK = (
    "this node's clock stands at zero: use_sim_time is set, and nobody publishes /clock; start "
    "whoever does, or set use_sim_time:=false"
)


class Order(Enum):
    """How a stamp stands to those before it."""

    NEW = "new"
    REPEATED = "repeated"
    EARLIER = "earlier"
    """By less than a second: the network has exchanged two images."""
    APART = "apart"
    """A bad stamp, or the first after the clock was set: which of both, the next ones show."""
    RESTARTED = "restarted"
    """The clock was set; it counts from here on."""
    MISSING = "missing"

    @property
    def usable(self) -> bool:
        """Whether the image is newer than all before it."""
        return self in (Order.NEW, Order.RESTARTED)


@dataclass
class _Apart:
    """The newest of the stamps that do not fit, and how many in a row agree with each other."""

    stamp_s: float
    age_s: float
    count: int


class StampWatch:
    """Follows the stamps of one stream of images, each read against this machine's clock.

    Single bad stamps are told apart from a clock that was set by what follows: some images in a
    row that agree with each other begin anew. Nothing here depends on this machine's clock being
    right, or on its running at the pace of real time.

    Attributes:
        reason: why the newest stamp is not simply a new one, empty if it is.
        unfit: how many stamps in a row were of no use.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.unfit = 0
        self._order = Order.NEW
        self._newest_s: float | None = None
        self._taken_s = self._age_s = 0.0
        self._lag = Lag(_DRIFT)
        self._apart: _Apart | None = None

    def take(self, stamp_s: float, clock_s: float) -> Order:
        """Judge the stamp of an image that is at hand at ``clock_s``, both in s."""
        self._taken_s, age_s = stamp_s, clock_s - stamp_s
        self._order, self.reason = self._judge(stamp_s, age_s)
        self.unfit = 0 if self._order.usable else self.unfit + 1
        if self._order is Order.RESTARTED:
            self._lag = Lag(_DRIFT)
        if self._order.usable:
            self._newest_s, self._age_s, self._apart = stamp_s, age_s, None
            self._lag.measure(stamp_s, clock_s)
        return self._order

    @property
    def doubt(self) -> str:
        """Why the newest image must not be used, empty for nothing or for a common accident."""
        accident = self._order in (Order.REPEATED, Order.EARLIER) and self.unfit < ENOUGH
        return "" if self._order.usable or accident else f"{self.reason}: {_REMEDY}"

    def stale(self, clock_s: float, max_age_s: float) -> str:
        """Why the image that was taken last is not fresh at ``clock_s``, empty if it is.

        Fresh is what is neither older than ``max_age_s``, nor that much later than the stream has
        shown that it can be, nor from the future.
        """
        if self.doubt or self._newest_s is None:
            return self.doubt or "no image with a time stamp has come yet"
        age_s = clock_s - self._taken_s
        if not clock_s:
            return _NO_CLOCK
        if age_s < -AHEAD_TOLERANCE_S:
            return (
                f"images are stamped {-age_s:.2f} s in the future, {AHEAD_TOLERANCE_S} s are "
                f"allowed, so the clocks differ: {_REMEDY}"
            )
        if not age_s <= max_age_s:
            return self._old(age_s, clock_s, max_age_s)
        return self._hangs_back(age_s, max_age_s)

    def hangs_back(self, clock_s: float, max_age_s: float) -> str:
        """Why the newest image is late whatever its clock tells, empty if it is not known to be."""
        newest_s = self._newest_s
        return "" if newest_s is None else self._hangs_back(clock_s - newest_s, max_age_s)

    def _hangs_back(self, age_s: float, max_age_s: float) -> str:
        lag_s = age_s - self._lag.offset_s
        if lag_s <= max_age_s + AHEAD_TOLERANCE_S:
            return ""
        return (
            f"images hang back by {lag_s:.2f} s, {max_age_s:.2f} s are allowed, and their clock is "
            f"{-self._lag.offset_s:.2f} s ahead: camera or network are slow; {_REMEDY}"
        )

    def _old(self, age_s: float, clock_s: float, max_age_s: float) -> str:
        if age_s > _SINCE_1970_S:
            since = "its stamp counts from the camera's start and not from 1970"
            return f"the image is {age_s:.0f} s old, {since}: {_REMEDY}"
        return (
            f"the image is {age_s:.2f} s old, {max_age_s:.2f} s are allowed: slow machine, or "
            f"clocks that differ ({_REMEDY})"
        )

    def _judge(self, stamp_s: float, age_s: float) -> tuple[Order, str]:
        if not (math.isfinite(stamp_s) and stamp_s > 0.0):
            return Order.MISSING, f"images carry no time stamp ({stamp_s:g})"
        if self._newest_s is None:
            return Order.NEW, ""
        if stamp_s == self._newest_s:
            return Order.REPEATED, f"{self.unfit + 2} images bear the same stamp {stamp_s:.3f} s"
        earlier_s = self._newest_s - stamp_s
        # One that is only fresher than those before is as far in the future as they are.
        if earlier_s < 0.0 and age_s >= min(0.0, self._lag.offset_s) - _JUMP_S:
            return Order.NEW, ""
        return self._judge_apart(stamp_s, age_s, earlier_s)

    def _judge_apart(self, stamp_s: float, age_s: float, earlier_s: float) -> tuple[Order, str]:
        before = self._apart
        agrees = before and stamp_s > before.stamp_s and abs(age_s - before.age_s) < _JUMP_S
        self._apart = _Apart(stamp_s, age_s, before.count + 1 if before and agrees else 1)
        ahead_s = self._age_s - age_s
        way = f"{abs(ahead_s):.2f} s {'ahead' if ahead_s > 0.0 else 'back'}"
        if self._apart.count >= ENOUGH:
            return Order.RESTARTED, f"the clock that stamps the images was set {way}"
        if 0.0 < earlier_s < _REORDERED_S:
            return Order.EARLIER, f"an image is {earlier_s:.3f} s older than the one before"
        return Order.APART, f"the stamps of images jump, the newest by {way}"
