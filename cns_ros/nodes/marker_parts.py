"""What all markers of the suite have in common: bounded in size, gone when nobody renews them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Quaternion
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

MOST = 1000
"""Points or lines of one marker; of more, every second, third, ... is drawn."""
LIFETIME = Duration(sec=1)
Colour = tuple[float, float, float]
Drawn = TypeVar("Drawn", bound=np.generic)


def new_marker(
    header: Header,
    names: Sequence[str],
    name: str,
    kind: int,
    colour: Colour | None = None,
    alpha: float = 1.0,
    pose: Pose | None = None,
) -> Marker:
    """A marker to fill in; without a colour, one that deletes what was there.

    Args:
        header: stamp and frame.
        names: all namespaces of the topic, in each of which one marker is.
        name: its own.
        kind: a type of ``visualization_msgs/Marker``.
        colour, alpha: each in 0..1.
        pose: in the frame of the header; None for none.
    """
    marker = Marker(
        header=header,
        ns=name,
        id=names.index(name),
        type=kind,
        action=Marker.DELETE if colour is None else Marker.ADD,
        lifetime=LIFETIME,
        pose=pose or Pose(orientation=Quaternion(w=1.0)),
    )
    if colour is not None:
        marker.color = colour_message(colour, alpha)
    return marker


def thinned(items: NDArray[Drawn], most: int = MOST) -> NDArray[Drawn]:
    """At most so many of (N, ...) items, spread evenly over them."""
    return items[:: -(-len(items) // most) or 1]


def listed(points: NDArray[np.float64]) -> list[Point]:
    """(N, 3) points as messages."""
    return [Point(x=x, y=y, z=z) for x, y, z in points.astype(float).tolist()]


def colour_message(rgb: Colour, alpha: float = 1.0) -> ColorRGBA:
    """A colour of red, green and blue in 0..1."""
    red, green, blue = rgb
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)
