"""What servo.rviz and the Foxglove layout name, and what a message path leads to."""

import json
import re
from pkgutil import resolve_name

import yaml

from cns_core.share import share_directory

CONFIG = share_directory() / "config"
IMAGE, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
DIAGNOSTICS, TRIGGER = "diagnostic_msgs/msg/DiagnosticArray", "std_srvs/srv/Trigger"
# What each display takes.
DISPLAYS = {
    "Camera": IMAGE,
    "Image": IMAGE,
    "PointCloud2": "sensor_msgs/msg/PointCloud2",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
    "RobotModel": "std_msgs/msg/String",
}
WITHOUT_TOPIC = {"TF", "Grid"}
# What Foxglove's 3D panel draws, of the types that the suite has.
DRAWN = {"visualization_msgs/msg/MarkerArray", "geometry_msgs/msg/PoseStamped"}


def rviz_topics(text):
    """Pairs of topic and type that an rviz configuration subscribes to."""
    found = set()
    for display in yaml.safe_load(text)["Visualization Manager"]["Displays"]:
        kind = display["Class"].split("/")[1]
        if kind in WITHOUT_TOPIC:
            continue
        topic = (display.get("Topic") or display["Description Topic"])["Value"]
        found.add((topic, DISPLAYS[kind]))
        if kind == "Camera":  # which looks for its calibration beside the image
            found.add((topic.rsplit("/", 1)[0] + "/camera_info", INFO))
    return found


def rviz():
    return rviz_topics((CONFIG / "servo.rviz").read_text())


def foxglove():
    return json.loads((CONFIG / "servo.foxglove.json").read_text())


def panels(layout, kind):
    """Settings of the panels of one kind."""
    return [c for name, c in layout["configById"].items() if name.split("!")[0] == kind]


def message_paths(layout):
    """Paths that plots and state transitions show."""
    shown = panels(layout, "Plot") + panels(layout, "StateTransitions")
    return {path["value"] for panel in shown for path in panel["paths"]}


def foxglove_topics(layout):
    """Pairs of topic and the types that its panel can take."""
    for panel in panels(layout, "Image"):
        mode = panel["imageMode"]
        yield mode["imageTopic"], {IMAGE}
        if "calibrationTopic" in mode:
            yield mode["calibrationTopic"], {INFO}
    for panel in panels(layout, "3D") + panels(layout, "Image"):
        for topic in panel["topics"]:
            yield topic, DRAWN
    for panel in panels(layout, "DiagnosticSummary"):
        yield panel["topicToRender"], {DIAGNOSTICS}


def foxglove_services(layout):
    return {panel["serviceName"] for panel in panels(layout, "CallService")}


def split(path):
    """Topic and the steps of a message path: names of fields, and (key, value) of filters."""
    topic, rest = re.fullmatch(r"((?:/\w+)+)(.*)", path).groups()
    steps = []
    for name, key, value in re.findall(r'\.(\w+)(?:\[:\]\{(\w+)=="([^"]*)"\})?', rest):
        steps += [name, (key, value)] if key else [name]
    assert steps, path
    return topic, steps


def leads_somewhere(path, type_name):
    """Whether the fields of a message path are those of a type; how it ends is its own matter."""
    _, steps = split(path)
    for step in steps:
        if isinstance(step, tuple):
            step = step[0]
            fields = _class(type_name).get_fields_and_field_types()
            if step not in fields:
                return False
            continue
        fields = _class(type_name).get_fields_and_field_types()
        if step not in fields:
            return False
        type_name = fields[step].removeprefix("sequence<").removesuffix(">")
    return type_name in ("double", "string", "float", "boolean")


def values_at(path, message):
    """What a message path shows of a message."""
    found = [message]
    for step in split(path)[1]:
        if isinstance(step, tuple):
            key, value = step
            found = [each for each in found if getattr(each, key) == value]
        else:
            found = [getattr(each, step) for each in found]
            if found and isinstance(found[0], (list, tuple)):
                found = [inner for each in found for inner in each]
    return found


def _class(type_name):
    package, *_, name = type_name.split("/")
    return resolve_name(f"{package}.msg:{name}")
