"""The controller's graph as markers on the camera's image plane at 1 m (Fig. 7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from cns_core.geometry.correspondence import Correspondence
from cns_core.policy.keypoint_graph import KeypointGraph
from cns_ros.nodes.marker_parts import Colour, listed, new_marker, thinned

NAMES = ("keypoints", "goals", "centers", "errors", "E0", "E1", "E0_missing", "E1_missing")
"""Namespaces; one marker in each."""

_FADED = 0.25
_KEYPOINTS, _GOALS, _CENTERS = (1.0, 0.5, 0.0), (0.3, 0.9, 0.3), (1.0, 1.0, 0.2)
_E0, _E1 = (1.0, 0.8, 0.0), (0.3, 0.6, 1.0)

Points = NDArray[np.float64]


def graph_markers(
    graph: KeypointGraph | None, correspondence: Correspondence, header: Header
) -> MarkerArray:
    """Keypoints, cluster centres and the edges E0 and E1; what is not seen now is faded.

    An edge E0 of a keypoint that is not seen begins where the keypoint is to be at the goal. What
    there is none of is deleted.

    Args:
        graph: None for a controller without one: then each keypoint is joined to its goal. So is it
            where the graph is of another desired image than the matches.
        correspondence: the frame's matches.
        header: stamp and optical frame of the image.
    """
    matched = correspondence.matched
    current, desired = correspondence.current, correspondence.desired
    if graph is not None and not np.array_equal(graph.desired, desired):
        graph = None
    none = np.zeros((0, 2))
    lines = dict.fromkeys(("errors", "E0", "E1", "E0_missing", "E1_missing"), none)
    centers = none
    if graph is None:
        lines["errors"] = _joined(current[matched], desired[matched])
    else:
        centers = graph.centers[graph.cluster_matched(matched)]
        lines |= _edges(graph, current, matched)
    return MarkerArray(
        markers=[
            _dots(header, "keypoints", current[matched], _KEYPOINTS, 0.006),
            _dots(header, "goals", desired, _GOALS, 0.004),
            _dots(header, "centers", centers, _CENTERS, 0.012),
            _lines(header, "errors", lines["errors"], _E0),
            _lines(header, "E0", lines["E0"], _E0),
            _lines(header, "E1", lines["E1"], _E1),
            _lines(header, "E0_missing", lines["E0_missing"], _E0, _FADED),
            _lines(header, "E1_missing", lines["E1_missing"], _E1, _FADED),
        ]
    )


def _edges(graph: KeypointGraph, current: Points, matched: NDArray[np.bool_]) -> dict[str, Points]:
    """(2K, 2) ends of all edges, each of E1 once."""
    point, center = graph.edges0(matched)
    unseen, its_center = graph.edges0(~matched)
    both_ways = graph.edges1(np.ones_like(matched))
    pairs = both_ways[:, both_ways[0] < both_ways[1]]
    drawn = graph.cluster_matched(matched)[pairs].all(axis=0)
    start, end = graph.centers[pairs]
    return {
        "E0": _joined(current[point], graph.centers[center]),
        "E0_missing": _joined(graph.desired[unseen], graph.centers[its_center]),
        "E1": _joined(start[drawn], end[drawn]),
        "E1_missing": _joined(start[~drawn], end[~drawn]),
    }


def _joined(start: Points, end: Points) -> Points:
    """(2K, 2) ends of lines between two times (K, 2) points, as a line list wants them."""
    return thinned(np.stack([start, end], axis=1)).reshape(-1, 2)


def _dots(header: Header, name: str, points: Points, colour: Colour, size_m: float) -> Marker:
    return _marker(header, name, Marker.POINTS, thinned(points), colour, size_m)


def _lines(header: Header, name: str, ends: Points, colour: Colour, alpha: float = 1.0) -> Marker:
    return _marker(header, name, Marker.LINE_LIST, ends, colour, 0.001, alpha)


def _marker(
    header: Header,
    name: str,
    kind: int,
    points: Points,
    colour: Colour,
    size_m: float,
    alpha: float = 1.0,
) -> Marker:
    marker = new_marker(header, NAMES, name, kind, colour if len(points) else None, alpha)
    marker.points = listed(np.column_stack([points, np.ones(len(points))]))
    marker.scale.x = marker.scale.y = size_m
    return marker
