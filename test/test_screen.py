"""Whatever servo.rviz and the Foxglove layout name is in the graph, under this name and type."""

import copy
import json

import pytest
import support_screen as screen
import yaml
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from cns_ros.recording.bag_reader import BagReader

# Told only where a ROS installation has robot_state_publisher and the description of the arm.
WITH_URDF = {("/robot_description", "std_msgs/msg/String")}


def absent(named, live):
    """Those (topic, allowed types) that the graph does not have so."""
    return {topic for topic, allowed in named if not live.get(topic, set()) & allowed}


def rviz_absent(live, text=None):
    named = (screen.rviz() if text is None else screen.rviz_topics(text)) - WITH_URDF
    return absent([(topic, {kind}) for topic, kind in named], live)


def foxglove_absent(live, services, layout):
    found = absent(screen.foxglove_topics(layout), live)
    found |= absent([(s, {screen.TRIGGER}) for s in screen.foxglove_services(layout)], services)
    for path in screen.message_paths(layout):
        topic, _ = screen.split(path)
        if not any(screen.leads_somewhere(path, kind) for kind in live.get(topic, ())):
            found.add(path)
    return found


def test_rviz_shows_what_is_in_the_graph(episode_run):
    assert rviz_absent(episode_run.topics) == set()


def test_foxglove_shows_and_calls_what_is_in_the_graph(episode_run):
    assert foxglove_absent(episode_run.topics, episode_run.services, screen.foxglove()) == set()


def test_every_topic_of_markers_is_shown_by_both(episode_run):
    kind = "visualization_msgs/msg/MarkerArray"
    markers = {topic for topic, types in episode_run.topics.items() if kind in types}
    assert markers
    assert markers <= {topic for topic, _ in screen.rviz()}
    assert markers <= {topic for topic, _ in screen.foxglove_topics(screen.foxglove())}


def test_what_foxglove_plots_has_values(episode_run):
    """Fields of a status are told by name, so the message type does not tell whether it exists."""
    paths = screen.message_paths(screen.foxglove())
    topics = {screen.split(path)[0].lstrip("/") for path in paths}
    empty = set(paths)
    for entry in BagReader(episode_run.recording).entries(*topics):
        for path in sorted(empty):
            if screen.split(path)[0] == entry.topic and screen.values_at(path, entry.message()):
                empty.remove(path)
    assert not empty


def live():
    """A graph with all that is named, as the layouts see it."""
    topics = {topic: {kind} for topic, kind in screen.rviz()}
    topics |= {topic: set(allowed) for topic, allowed in screen.foxglove_topics(screen.foxglove())}
    topics["/controller/status"] = topics["/ur_driver/status"] = {
        "diagnostic_msgs/msg/DiagnosticStatus"
    }
    topics["/twist"] = {"geometry_msgs/msg/TwistStamped"}
    services = {s: {screen.TRIGGER} for s in screen.foxglove_services(screen.foxglove())}
    return topics, services


@pytest.mark.parametrize("name", sorted({topic for topic, _ in screen.rviz() - WITH_URDF}))
def test_a_topic_of_rviz_that_is_renamed_or_of_another_type_is_found(name):
    topics, _ = live()
    assert rviz_absent(topics) == set()
    assert rviz_absent({k: v for k, v in topics.items() if k != name}) == {name}
    assert rviz_absent(topics | {name: {"std_msgs/msg/Empty"}}) == {name}


def test_a_topic_service_or_field_of_foxglove_that_is_renamed_is_found():
    layout, (topics, services) = screen.foxglove(), live()
    assert foxglove_absent(topics, services, layout) == set()
    for name in topics.keys() - {topic for topic, _ in screen.rviz()} | {"/image", "/twist"}:
        fewer = {k: v for k, v in topics.items() if k != name}
        found = foxglove_absent(fewer, services, layout)
        assert found and all(each.startswith(name) for each in found), name
    for name in services:
        fewer = {k: v for k, v in services.items() if k != name}
        assert foxglove_absent(topics, fewer, layout) == {name}
    bad = copy.deepcopy(layout)
    bad["configById"]["Plot!error"]["paths"][0]["value"] = "/twist.twist.linear.q"
    assert foxglove_absent(topics, services, bad) == {"/twist.twist.linear.q"}


def test_a_message_path_is_read_as_foxglove_reads_it():
    status = DiagnosticStatus(
        message="servoing", values=[KeyValue(key="error", value="0.5"), KeyValue(key="x")]
    )
    path = '/controller/status.values[:]{key=="error"}.value'
    assert screen.values_at(path, status) == ["0.5"]
    assert screen.values_at("/controller/status.message", status) == ["servoing"]
    assert screen.values_at(path.replace("error", "none"), status) == []


def test_both_show_all_that_there_is_to_see():
    seen = {topic for topic, _ in screen.rviz()}
    both = seen & {topic for topic, _ in screen.foxglove_topics(screen.foxglove())}
    wanted = {"/image", "/observer/debug_image"}
    assert both >= wanted | {f"/controller/{name}" for name in ("graph", "structure", "motion")}


def test_every_panel_of_the_layout_has_its_place():
    layout = screen.foxglove()
    places = []

    def walk(node):
        if isinstance(node, str):
            places.append(node)
        else:
            assert 0 < node["splitPercentage"] < 100 and node["direction"] in ("row", "column")
            walk(node["first"])
            walk(node["second"])

    walk(layout["layout"])
    assert sorted(places) == sorted(layout["configById"])
    assert json.loads(json.dumps(layout)) == layout


def test_the_camera_display_shows_displays_that_there_are():
    text = (screen.CONFIG / "servo.rviz").read_text()
    displays = yaml.safe_load(text)["Visualization Manager"]["Displays"]
    names = {each["Name"] for each in displays}
    [camera] = [each for each in displays if each["Class"].endswith("/Camera")]
    assert camera["Visibility"].keys() - {"Value"} <= names
