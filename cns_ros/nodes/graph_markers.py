"""The controller's graph as rviz markers on the camera's image plane at 1 m (Fig. 7)."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from cns_core.geometry.correspondence import Correspondence
from cns_core.policy.keypoint_graph import KeypointGraph

_LIFETIME = Duration(sec=1)


def graph_markers(
    graph: KeypointGraph | None, correspondence: Correspondence, header: Header
) -> MarkerArray:
    """Keypoints, cluster centres and the edges E0 and E1 of the current frame.

    Args:
        graph: None for a controller without one: then each keypoint is joined to its goal.
        correspondence: the frame's matches.
        header: stamp and optical frame of the image.
    """
    matched = correspondence.matched
    current, desired = correspondence.current, correspondence.desired
    markers = [
        _marker(header, 0, "keypoints", Marker.POINTS, current[matched], (1.0, 0.5, 0.0), 0.006),
        _marker(header, 1, "goals", Marker.POINTS, desired, (0.3, 0.9, 0.3), 0.004),
    ]
    if graph is None:
        lines = _joined(current[matched], desired[matched])
        errors = _marker(header, 2, "errors", Marker.LINE_LIST, lines, (1.0, 0.8, 0.0), 0.001)
        return MarkerArray(markers=[*markers, errors])
    centers = graph.centers
    point, center = graph.edges0(matched)
    e0 = _joined(current[point], centers[center])
    e1 = centers[graph.edges1(matched).T].reshape(-1, 2)
    seen = centers[graph.cluster_matched(matched)]
    return MarkerArray(
        markers=[
            *markers,
            _marker(header, 2, "centers", Marker.POINTS, seen, (1.0, 1.0, 0.2), 0.012),
            _marker(header, 3, "E0", Marker.LINE_LIST, e0, (1.0, 0.8, 0.0), 0.001),
            _marker(header, 4, "E1", Marker.LINE_LIST, e1, (0.3, 0.6, 1.0), 0.001),
        ]
    )


def _joined(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2K, 2) ends of lines between two times (K, 2) points, as a line list wants them."""
    return np.stack([start, end], axis=1).reshape(-1, 2)


def _marker(
    header: Header,
    number: int,
    namespace: str,
    kind: int,
    points: NDArray[np.float64],
    colour: tuple[float, float, float],
    size_m: float,
) -> Marker:
    red, green, blue = colour
    marker = Marker(
        header=header,
        ns=namespace,
        id=number,
        type=kind,
        action=Marker.ADD,
        lifetime=_LIFETIME,
        color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
        points=[Point(x=float(x), y=float(y), z=1.0) for x, y in points],
    )
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = size_m
    return marker
