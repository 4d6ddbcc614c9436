"""The controller's graph as rviz markers on the camera's image plane at 1 m (Fig. 7)."""

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

_LIFETIME = Duration(sec=1)


def graph_markers(graph, correspondence, header):
    """Keypoints, cluster centres and the edges E0 and E1 of the current frame.

    Args:
        graph: :class:`.KeypointGraph`, or None for a controller without one: then
            each keypoint is joined to its goal.
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
        lines = np.stack([current[matched], desired[matched]], axis=1).reshape(-1, 2)
        return MarkerArray(
            markers=[
                *markers,
                _marker(header, 2, "errors", Marker.LINE_LIST, lines, (1.0, 0.8, 0.0), 0.001),
            ]
        )
    centers = graph.centers
    point, center = graph.edges0(matched)
    e0 = np.stack([current[point], centers[center]], axis=1).reshape(-1, 2)
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


def _marker(header, number, namespace, kind, points, colour, size_m):
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
