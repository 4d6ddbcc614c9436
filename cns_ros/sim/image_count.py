"""How many of the camera's images reach the observer."""

from __future__ import annotations


class ImageCount:
    """Compares the stamps of what was published with those of what was observed, in ns."""

    def __init__(self) -> None:
        self._published: set[int] = set()
        self._observed: set[int] = set()

    def publish(self, stamp_ns: int) -> None:
        """An image was published."""
        self._published.add(stamp_ns)

    def observe(self, stamp_ns: int) -> None:
        """An image was answered."""
        self._observed.add(stamp_ns)

    def totals(self) -> dict[str, int]:
        """Images published, observed and lost from the first one observed to the last."""
        # What is before and after may belong to what was not counted.
        between = range(min(self._observed, default=0), max(self._observed, default=-1) + 1)
        published = {stamp for stamp in self._published if stamp in between}
        return {
            "published": len(published),
            "observed": len(published & self._observed),
            "lost": len(published - self._observed),
        }
