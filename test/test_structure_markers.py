"""Markers of what motion has told: where they are, how many, and when they go."""

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from support_structure import GOAL, START, World, way
from visualization_msgs.msg import Marker

from cns_core.control.guide import StructureGuide
from cns_core.geometry import se3
from cns_core.share import share_directory
from cns_ros.nodes.structure_markers import MOST_POINTS, NAMES, structure_markers

NEAR = GOAL @ se3.exp([0.02, -0.03, 0.04, 0.05, 0.02, -0.3])
HEADER = Header(frame_id="camera_optical_frame")


def drawn(count):
    world, guide = World(count=count), StructureGuide()
    guide.start(world.desired)
    for n, T in enumerate(way(START, NEAR)):
        guide.observe(world.matches(T), 0.04 * n, world.odometry(T))
    return world, guide, {each.ns: each for each in structure_markers(guide, HEADER).markers}


def test_points_and_goal_are_where_they_are():
    world, guide, markers = drawn(120)
    local = (world.points - NEAR[:3, 3]) @ NEAR[:3, :3]
    shown = np.array([[p.x, p.y, p.z] for p in markers["points"].points])
    apart = np.linalg.norm(shown[:, None] - local[None], axis=2).min(axis=1)
    assert len(shown) > 80
    assert np.median(apart) < 0.01
    expected = se3.inverse(NEAR) @ GOAL
    p, q = markers["goal"].pose.position, markers["goal"].pose.orientation
    np.testing.assert_allclose([p.x, p.y, p.z], expected[:3, 3], atol=2e-3)
    R = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    np.testing.assert_allclose(R, expected[:3, :3], atol=5e-3)
    assert markers["frustum"].pose == markers["bound"].pose == markers["goal"].pose
    radius_m = 1e-3 * guide.remaining.translation_bound_mm
    assert markers["bound"].scale.x == pytest.approx(2.0 * radius_m)
    assert f"{guide.remaining.translation_mm:.2f} mm" in markers["remaining"].text


def test_there_are_never_more_points_than_can_be_drawn():
    _, guide, markers = drawn(1500)
    assert len(guide.points) > MOST_POINTS
    assert 0.4 * MOST_POINTS < len(markers["points"].points) <= MOST_POINTS


@pytest.mark.parametrize("guide", [None, StructureGuide()])
def test_what_is_not_known_is_deleted(guide):
    markers = structure_markers(guide, HEADER).markers
    _, _, shown = drawn(60)
    assert [each.action for each in markers] == [Marker.DELETE] * len(NAMES)
    assert {(each.ns, each.id) for each in markers} == {(m.ns, m.id) for m in shown.values()}
    assert {each.action for each in shown.values()} == {Marker.ADD}


def test_rviz_shows_them():
    shown = yaml.safe_load((share_directory() / "config" / "servo.rviz").read_text())
    displays = shown["Visualization Manager"]["Displays"]
    topics = [each["Topic"]["Value"] for each in displays if "Topic" in each]
    assert "/controller/structure" in topics
