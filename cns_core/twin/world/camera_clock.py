"""The clock of a camera, which need not be that of the machine that receives its images."""

from dataclasses import dataclass

_EVERY_S = 1.0
NANOSECONDS = 10**9


@dataclass(frozen=True)
class CameraClock:
    """What a camera's clock tells, and whether its images are stamped with it at all.

    Attributes:
        ahead_s: by how much it is ahead, negative for one that is behind.
        drift: how much further ahead it gets every second, in s per s.
        jump_s: by how much it is set ahead and back again in turns, every second; 0 for never.
        stamps: whether the images bear its time; if not, they bear 0.
    """

    ahead_s: float = 0.0
    drift: float = 0.0
    jump_s: float = 0.0
    stamps: bool = True

    def stamp_ns(self, time_ns: int, began_ns: int) -> int:
        """The stamp of an image taken at ``time_ns`` with a clock that began at ``began_ns``."""
        if not self.stamps:
            return 0
        elapsed_s = (time_ns - began_ns) / NANOSECONDS
        ahead_s = self.ahead_s + self.drift * elapsed_s
        if elapsed_s % (2.0 * _EVERY_S) >= _EVERY_S:
            ahead_s += self.jump_s
        return max(0, time_ns + round(NANOSECONDS * ahead_s))
