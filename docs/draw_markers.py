"""Draws markers as rviz does, where there is no rviz: in space, and through the camera."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation
from visualization_msgs.msg import Marker, MarkerArray

from cns_core.geometry import se3


def in_space(axes, markers: MarkerArray, frames: dict[str, np.ndarray]) -> None:
    """Draw on 3D axes of matplotlib.

    Args:
        markers: those deleted are not drawn.
        frames: (4, 4) pose in the axes' frame of each frame that markers are in.
    """
    for marker in markers.markers:
        if marker.action == Marker.ADD:
            pose = frames[marker.header.frame_id] @ pose_of(marker)
            _one(axes, marker, pose, points_of(marker) @ pose[:3, :3].T + pose[:3, 3])


def through_camera(axes, markers: MarkerArray, camera) -> None:
    """Draw markers in the camera's frame over its image on 2D axes of matplotlib."""
    for marker in markers.markers:
        points = points_of(marker)
        if marker.action != Marker.ADD or not len(points):
            continue
        x, y = camera.denormalize(points[:, :2] / points[:, 2:]).T
        if marker.type == Marker.POINTS:
            axes.scatter(x, y, s=(500 * marker.scale.x) ** 2, color=colour_of(marker))
        else:
            axes.plot(*_pairs(x, y), color=colour_of(marker), lw=0.7)


def pose_of(marker: Marker) -> np.ndarray:
    """(4, 4) pose of a marker in its frame."""
    p, q = marker.pose.position, marker.pose.orientation
    return se3.pose(Rotation.from_quat([q.x, q.y, q.z, q.w]), (p.x, p.y, p.z))


def points_of(marker: Marker) -> np.ndarray:
    """(N, 3) points of a marker."""
    return np.array([(p.x, p.y, p.z) for p in marker.points]).reshape(-1, 3)


def colour_of(marker: Marker) -> tuple[float, float, float, float]:
    """What matplotlib takes for its colour."""
    return marker.color.r, marker.color.g, marker.color.b, marker.color.a


def _one(axes, marker: Marker, pose: np.ndarray, points: np.ndarray) -> None:
    colour = colour_of(marker)
    if marker.type == Marker.POINTS:
        axes.scatter(*points.T, s=1.5, color=colour)
    elif marker.type == Marker.LINE_STRIP:
        axes.plot(*points.T, color=colour, lw=1.2)
    elif marker.type == Marker.LINE_LIST:
        for n, line in enumerate(points.reshape(-1, 2, 3)):
            own = marker.colors[2 * n] if marker.colors else marker.color
            axes.plot(*line.T, color=(own.r, own.g, own.b, colour[3]), lw=1.0)
    elif marker.type == Marker.ARROW:
        axes.quiver(*points[0], *(points[1] - points[0]), color=colour, lw=2.0)
    elif marker.type == Marker.SPHERE:
        axes.scatter(*pose[:3, 3], s=(4000 * marker.scale.x) ** 2, color=colour)
    elif marker.type == Marker.TEXT_VIEW_FACING:
        axes.text(*pose[:3, 3], marker.text, color=colour, fontsize=7)


def _pairs(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of (2K,) lines as matplotlib draws K lines at once."""
    return x.reshape(-1, 2).T, y.reshape(-1, 2).T
