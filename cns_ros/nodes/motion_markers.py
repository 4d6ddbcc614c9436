"""How the camera moves and why, as markers: its path, the commanded twist, the state in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from cns_core.control.session import ServoSession
from cns_core.control.session_records import Level
from cns_ros.nodes.marker_parts import Colour, listed, new_marker

NAMES = ("path", "linear", "angular", "status")
"""Namespaces; one marker in each."""
LINEAR_S, ANGULAR_M_PER_RAD_S = 1.0, 0.2
"""Length of the arrows: how far the camera would come in a second; metres per rad/s."""

_PATH, _LINEAR, _ANGULAR = (0.9, 0.9, 0.9), (1.0, 0.8, 0.0), (0.9, 0.3, 0.9)
_LEVELS: dict[Level, Colour] = {
    Level.OK: (1.0, 1.0, 1.0),
    Level.WARN: (1.0, 0.6, 0.1),
    Level.ERROR: (1.0, 0.25, 0.25),
}
_SHORTEST_M = 1e-4
_SHAFT_M, _HEAD_M, _HEAD_LENGTH_M = 0.004, 0.01, 0.012
_LETTERS_M = 0.02
_ABOVE_M = 0.12  # where the words stand: up in the image is -y


@dataclass(frozen=True)
class Words:
    """The state in words.

    Attributes:
        text: a few lines.
        level: how bad it is.
    """

    text: str
    level: Level = Level.OK


def motion_markers(
    path: NDArray[np.float64],
    twist: NDArray[np.float64],
    words: Words,
    base: Header,
    camera: Header,
) -> MarkerArray:
    """The camera's path, the twist it was last given, and its state.

    What there is none of is deleted.

    Args:
        path: (N, 3) m, in the frame of ``base``.
        twist: (6,) m/s and rad/s, in the frame of ``camera``.
        words: the state.
        base, camera: stamps and frames.
    """
    return MarkerArray(
        markers=[
            _path(base, path),
            _arrow(camera, "linear", LINEAR_S * twist[:3], _LINEAR),
            _arrow(camera, "angular", ANGULAR_M_PER_RAD_S * twist[3:], _ANGULAR),
            _words(camera, words),
        ]
    )


def words_of(session: ServoSession) -> Words:
    """What a session has to say, in a few lines."""
    report, step = session.report, session.step
    lines = [str(report.status)]
    if report.status.is_active and step is not None:
        lines.append(f"{step.correspondence.count} matched, error {step.error:.4f}")
    if step is not None and (left := step.remaining) is not None:
        lines.append(
            f"{left.translation_mm:.2f} mm +- {left.translation_bound_mm:.2f}, "
            f"{left.rotation_deg:.3f} deg +- {left.rotation_bound_deg:.3f} left"
        )
    return Words("\n".join([*lines, *filter(None, [report.cause])]), report.level)


def _path(header: Header, path: NDArray[np.float64]) -> Marker:
    long = len(path) > 1  # one point is no line
    marker = new_marker(header, NAMES, "path", Marker.LINE_STRIP, _PATH if long else None)
    marker.points = listed(path) if long else []
    marker.scale.x = 0.002
    return marker


def _arrow(header: Header, name: str, tip: NDArray[np.float64], colour: Colour) -> Marker:
    long = float(np.linalg.norm(tip)) > _SHORTEST_M
    marker = new_marker(header, NAMES, name, Marker.ARROW, colour if long else None)
    marker.frame_locked = True
    marker.points = listed(np.stack([np.zeros(3), tip])) if long else []
    marker.scale.x, marker.scale.y, marker.scale.z = _SHAFT_M, _HEAD_M, _HEAD_LENGTH_M
    return marker


def _words(header: Header, words: Words) -> Marker:
    pose = Pose(position=Point(y=-_ABOVE_M), orientation=Quaternion(w=1.0))
    marker = new_marker(
        header, NAMES, "status", Marker.TEXT_VIEW_FACING, _LEVELS[words.level], pose=pose
    )
    marker.frame_locked = True
    marker.text = words.text
    marker.scale.z = _LETTERS_M
    return marker
