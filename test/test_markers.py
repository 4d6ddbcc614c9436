"""Markers of the graph and of the motion: bounded, faded where unseen, deleted when gone."""

import numpy as np
import pytest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from cns_core import Correspondence
from cns_core.policy.keypoint_graph import build_graph
from cns_ros.nodes import graph_markers, motion_markers
from cns_ros.nodes.camera_path import CameraPath
from cns_ros.nodes.marker_parts import MOST
from cns_ros.nodes.motion_markers import Words

HEADER = Header(frame_id="camera_optical_frame")
BASE = Header(frame_id="base")
WAY = np.linspace([0.4, 0.0, 0.5], [0.4, 0.1, 0.3], 20)


def matches(count, matched=None, seed=0):
    desired, current = np.random.default_rng(seed).uniform(-0.4, 0.4, (2, count, 2))
    return Correspondence(desired, current, np.ones(count, bool) if matched is None else matched)


def graph(correspondence, of=None):
    drawn = graph_markers.graph_markers(of, correspondence, HEADER).markers
    return {each.ns: each for each in drawn}


def clusters(correspondence):
    return build_graph(correspondence.desired, np.arange(len(correspondence.desired)) % 20)


def motion(path=WAY, twist=(0.1, 0.0, 0.0, 0.0, 0.0, 0.5), text="servoing"):
    drawn = motion_markers.motion_markers(path, np.array(twist), Words(text), BASE, HEADER)
    return {each.ns: each for each in drawn.markers}


def lines(marker):
    return len(marker.points) // 2


def test_edges_that_are_not_seen_are_faded():
    seen = np.arange(40) % 20 < 15  # five clusters of twenty are out of view
    seen[0] = False
    correspondence = matches(40, seen)
    drawn = graph(correspondence, clusters(correspondence))
    assert lines(drawn["E0"]) == seen.sum() == 29
    assert lines(drawn["E0_missing"]) == 11
    assert lines(drawn["E1"]) == 15 * 14 / 2
    assert lines(drawn["E1"]) + lines(drawn["E1_missing"]) == 20 * 19 / 2
    assert len(drawn["centers"].points) == 15
    for name in ("E0", "E1"):
        assert drawn[f"{name}_missing"].color.a < 0.3 < drawn[name].color.a
    ends = {(p.x, p.y) for p in drawn["E0_missing"].points[::2]}
    assert ends == {tuple(p) for p in correspondence.desired[~seen]}


def test_a_graph_of_another_desired_image_is_not_drawn_into_this_one():
    drawn = graph(matches(30), clusters(matches(40)))
    assert drawn["E0"].action == Marker.DELETE
    assert lines(drawn["errors"]) == 30


@pytest.mark.parametrize("of", [None, clusters])
def test_the_graph_of_very_many_keypoints_stays_small(of):
    correspondence = matches(4096)
    drawn = graph(correspondence, of and build_graph(correspondence.desired, np.arange(4096) % 64))
    assert all(len(each.points) <= 2 * MOST for each in drawn.values())
    assert len(drawn["keypoints"].points) > 0.5 * MOST


def every_kind():
    none = matches(30, np.zeros(30, bool))
    yield graph_markers.NAMES, graph(matches(30)), graph(none)
    some = matches(40, np.arange(40) % 20 < 15)
    yield graph_markers.NAMES, graph(some, clusters(some)), graph(none, clusters(none))
    yield motion_markers.NAMES, motion(), motion(path=WAY[:1], twist=np.zeros(6))


@pytest.mark.parametrize(("names", "some", "less"), [*every_kind()])
def test_what_there_is_none_of_is_deleted_and_the_rest_goes_by_itself(names, some, less):
    assert tuple(some) == tuple(less) == names
    assert [some[n].id for n in names] == [less[n].id for n in names] == list(range(len(names)))
    for each in (*some.values(), *less.values()):
        if each.action == Marker.ADD:
            assert 0 < each.lifetime.sec <= 2
            assert each.points or each.text  # rviz takes an empty list for a mistake
            assert each.color.a > 0.0
        else:
            assert each.action == Marker.DELETE
            assert not each.points
    gone = [n for n in names if less[n].action == Marker.DELETE]
    assert any(some[n].action == Marker.ADD for n in gone)


def test_the_arrows_are_the_twist_and_the_path_is_in_its_own_frame():
    drawn = motion()
    tip = drawn["linear"].points[1]
    assert (tip.x, tip.y, tip.z) == (0.1 * motion_markers.LINEAR_S, 0.0, 0.0)
    assert drawn["angular"].points[1].z == 0.5 * motion_markers.ANGULAR_M_PER_RAD_S
    assert drawn["linear"].header.frame_id == drawn["status"].header.frame_id == HEADER.frame_id
    assert drawn["path"].header.frame_id == "base"
    assert len(drawn["path"].points) == 20
    assert drawn["status"].text == "servoing"


def test_a_path_is_thinned_and_never_longer_than_it_may_be():
    path = CameraPath(most=50, step_m=0.01)
    for x in np.arange(0.0, 5.0, 0.001):
        path.add((x, 0.0, 0.0), "base")
        assert len(path.points) <= 50
    steps = np.diff(path.points[:, 0])
    assert path.points[0, 0] == 0.0
    assert path.points[-1, 0] > 4.8
    assert steps.max() < 3.0 * steps.min()


def test_a_path_begins_anew_with_an_episode_and_in_another_frame():
    path = CameraPath()
    path.add((0.0, 0.0, 0.0), "base")
    path.add((1.0, 0.0, 0.0), "base")
    assert path.points.shape == (2, 3)
    path.add((1.0, 0.0, 0.0), "world")
    assert (path.points.shape, path.frame) == ((1, 3), "world")
    path.begin()
    assert path.points.shape == (0, 3)
