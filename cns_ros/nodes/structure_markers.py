"""What motion has told, as rviz markers in the camera's frame: points, the goal, and how surely."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Pose, Quaternion
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from cns_core.control.guide import Remaining, StructureGuide
from cns_core.structure.estimate import Estimate
from cns_ros.nodes.marker_parts import Colour, colour_message, listed, new_marker, thinned

MOST_POINTS = 500
"""More keypoints than these are thinned out."""
NAMES = ("points", "goal", "frustum", "way", "bound", "remaining")
"""Namespaces; one marker in each."""

_AXIS, _CORNER = 0.1, (0.059, 0.044, 0.1)
"""Of the goal's picture, over the scene's distance: axes, and a corner of a 4:3 image."""
_RED, _GREEN, _BLUE = (1.0, 0.2, 0.2), (0.2, 1.0, 0.2), (0.3, 0.5, 1.0)
_POINTS, _GOAL, _WAY = (0.9, 0.9, 0.9), (0.3, 0.9, 0.3), (1.0, 0.8, 0.0)


def structure_markers(guide: StructureGuide | None, header: Header) -> MarkerArray:
    """The points in view, the desired camera, the way to it, and its 95 % bound as a ball.

    What is not known is deleted.

    Args:
        guide: None for a controller without one, or at rest.
        header: stamp and optical frame of the image.
    """
    if guide is None or (estimate := guide.estimate) is None or (left := guide.remaining) is None:
        return MarkerArray(markers=[_marker(header, name, Marker.POINTS) for name in NAMES])
    goal = _pose(estimate)
    return MarkerArray(
        markers=[
            _points(header, guide.points),
            _axes(header, goal, estimate.scale),
            _frustum(header, goal, estimate.scale),
            _way(header, estimate),
            _ball(header, goal, estimate.translation_bound_m()),
            _text(header, goal, left, estimate.scale),
        ]
    )


def _points(header: Header, points: NDArray[np.float64]) -> Marker:
    points = thinned(points, MOST_POINTS)
    marker = _marker(header, "points", Marker.POINTS, _POINTS if len(points) else None)
    marker.points = listed(points)
    marker.scale.x = marker.scale.y = 0.003
    return marker


def _axes(header: Header, goal: Pose, scale: float) -> Marker:
    marker = _marker(header, "goal", Marker.LINE_LIST, _GOAL, goal)
    ends = np.zeros((6, 3))
    ends[1::2] = _AXIS * scale * np.eye(3)
    marker.points = listed(ends)
    marker.colors = [colour_message(each) for each in (_RED, _RED, _GREEN, _GREEN, _BLUE, _BLUE)]
    marker.scale.x = 0.004
    return marker


def _frustum(header: Header, goal: Pose, scale: float) -> Marker:
    signs = np.array([[1, 1, 1], [1, -1, 1], [-1, -1, 1], [-1, 1, 1]])
    corners = scale * signs * _CORNER
    rays = np.stack([np.zeros((4, 3)), corners], axis=1)
    rim = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    marker = _marker(header, "frustum", Marker.LINE_LIST, _GOAL, goal)
    marker.points = listed(np.vstack([rays, rim]).reshape(-1, 3))
    marker.scale.x = 0.002
    return marker


def _way(header: Header, estimate: Estimate) -> Marker:
    marker = _marker(header, "way", Marker.LINE_LIST, _WAY)
    marker.points = listed(np.array([np.zeros(3), estimate.motion[:3]]))
    marker.scale.x = 0.002
    return marker


def _ball(header: Header, goal: Pose, radius_m: float) -> Marker:
    marker = _marker(header, "bound", Marker.SPHERE, _WAY, goal)
    marker.color.a = 0.35
    marker.scale.x = marker.scale.y = marker.scale.z = 2.0 * radius_m
    return marker


def _text(header: Header, goal: Pose, left: Remaining, scale: float) -> Marker:
    marker = _marker(header, "remaining", Marker.TEXT_VIEW_FACING, (1.0, 1.0, 1.0), goal)
    marker.text = (
        f"{left.translation_mm:.2f} mm +- {left.translation_bound_mm:.2f}\n"
        f"{left.rotation_deg:.3f} deg +- {left.rotation_bound_deg:.3f}"
    )
    marker.scale.z = 0.05 * scale
    return marker


def _marker(
    header: Header, name: str, kind: int, colour: Colour | None = None, pose: Pose | None = None
) -> Marker:
    return new_marker(header, NAMES, name, kind, colour, pose=pose)


def _pose(estimate: Estimate) -> Pose:
    """Of the desired camera in the current one's frame."""
    x, y, z, w = Rotation.from_rotvec(estimate.motion[3:]).as_quat().tolist()
    position = listed(estimate.motion[None, :3])[0]
    return Pose(position=position, orientation=Quaternion(x=x, y=y, z=z, w=w))
