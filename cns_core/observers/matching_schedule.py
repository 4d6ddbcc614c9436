"""When to match the whole image anew."""

from __future__ import annotations


class MatchingSchedule:
    """Decides when matching is worth its time.

    Args:
        rematch_every: match at least once in this many frames, None for only when following has
            lost much.
    """

    ENOUGH = 25
    """Keypoints followed with which a frame needs no matching to be answered."""
    _ENOUGH_SHARE = 0.5
    _SHORTEST, _LONGEST = 3, 60

    def __init__(self, rematch_every: int | None = None) -> None:
        self._every = rematch_every or float("inf")
        self._pause = self._SHORTEST
        self._since = self._LONGEST

    def due(self, tracked: int, in_view: int) -> bool:
        """Whether to match now; called once a frame.

        Args:
            tracked: number of keypoints followed.
            in_view: number of keypoints the image should show.
        """
        self._since += 1
        if tracked < self.ENOUGH:
            return self._since >= self._SHORTEST
        few = tracked < self._ENOUGH_SHARE * in_view
        return self._since >= (self._pause if few else self._every)

    def matched(self, before: int, after: int) -> None:
        """Note the number of keypoints before and after a matching: futile ones grow rarer."""
        gained = after > 1.1 * before + 3
        self._pause = self._SHORTEST if gained else min(2 * self._pause, self._LONGEST)
        self._since = 0
