"""docs/interfaces.md has every topic, service and action of the nodes, and none that is not."""

import pytest
from conftest import loopback_address, ros_domain_id

from cns_core.settings import all_settings, name_of
from cns_core.share import share_directory
from cns_ros.__main__ import NODES
from cns_ros.bringup import interface_survey, interface_texts
from cns_ros.bringup.interfaces import page
from cns_ros.bringup.node_interfaces import FRAME_TOPICS, SERVICES_OF_RCLPY, TOPICS_OF_RCLPY
from cns_ros.bringup.reference import SETTINGS, resolve_name

ONLY_LISTEN = {"episode", "hand_eye_tour", "recorder"}
LIVE = {"observer", "controller", "ur_driver", "supervisor", "twin"}


@pytest.fixture(scope="module")
def survey():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        environment.setenv("ROS_DOMAIN_ID", str(ros_domain_id()))
        return interface_survey.survey(loopback_address())


def test_the_page_is_what_the_nodes_have(survey):
    stored = share_directory() / "docs" / "interfaces.md"
    command = f"python -m cns_ros.bringup.interfaces > {stored}"
    assert stored.read_text() == page(survey.interfaces), f"run {command}"


def test_no_node_is_left_out():
    assert interface_survey.NODES.keys() | ONLY_LISTEN == NODES.keys()


@pytest.mark.parametrize("node", interface_survey.NODES)
def test_every_parameter_of_a_node_is_in_the_reference_and_none_more(survey, node):
    groups = map(resolve_name, SETTINGS[node])
    written = {name_of(each) for group in groups for each, _ in all_settings(group)}
    assert survey.parameters[node] == written


def unwritten(live, interfaces):
    """Pairs (name, type) of a graph that the reference lacks."""
    return live - {(each.full_name, each.kind) for each in interfaces}


def absent(live, interfaces):
    """Pairs that the reference promises, and that the graph lacks."""
    usual = {e for e in interfaces if e.node in LIVE and not e.only_with}
    return {(each.full_name, each.kind) for each in usual} - live


def graph_of(run):
    """Pairs (name, type) of a running suite; those of an action by what it is made of."""
    found = {(name, kind) for name, kinds in run.topics.items() for kind in kinds}
    left_out = {*TOPICS_OF_RCLPY, *FRAME_TOPICS}
    found = {pair for pair in found if pair[0] not in left_out}
    found |= {(name, kind) for name, kinds in run.services.items() for kind in kinds}
    actions = {
        (name.removesuffix("/_action/send_goal"), kind.removesuffix("_SendGoal"))
        for name, kind in found
        if name.endswith("/_action/send_goal")
    }
    plain = {
        pair
        for pair in found
        if "/_action/" not in pair[0] and not pair[1].startswith(SERVICES_OF_RCLPY)
    }
    return plain | actions


def test_the_running_graph_has_what_is_written_and_no_more(survey, episode_run):
    live = graph_of(episode_run)
    assert unwritten(live, survey.interfaces) == set()
    assert absent(live, survey.interfaces) == set()


def test_what_is_renamed_or_of_another_type_is_found(survey):
    live = {(e.full_name, e.kind) for e in survey.interfaces if e.node in LIVE}
    assert absent(live, survey.interfaces) == unwritten(live, survey.interfaces) == set()
    for name, kind in (("/twist", "geometry_msgs/msg/TwistStamped"), ("/supervisor/servo", "")):
        fewer = {pair for pair in live if pair[0] != name}
        assert {pair[0] for pair in absent(fewer, survey.interfaces)} == {name}
        other = (name, kind.replace("Stamped", ""))
        assert unwritten({*fewer, other}, survey.interfaces) == {other}


def test_what_has_no_line_or_is_no_more_is_refused(survey, monkeypatch):
    fewer = [each for each in survey.interfaces if each.name != "~/learn_mask"]
    with pytest.raises(ValueError, match=r"interface_texts.py speaks of /observer/learn_mask"):
        page(fewer)
    monkeypatch.delitem(interface_texts.TEXTS, "/observer/learn_mask")
    with pytest.raises(ValueError, match=r"say in interface_texts.py what is /observer/learn_mask"):
        page(survey.interfaces)


def test_a_line_tells_type_quality_and_condition(survey):
    line = next(row for row in page(survey.interfaces).splitlines() if "`twist_commands`" in row)
    assert "`geometry_msgs/msg/TwistStamped` | reliable, 1 |" in line
    assert "only with `backend: ros2_control`" in line
