"""All that is looked at, in the order in which one stands on the other."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from cns_ros.bringup.node_set import servo_environment
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.doctor.files import examine_files
from cns_ros.doctor.finding import Finding, Verdict
from cns_ros.doctor.installation import examine_installation
from cns_ros.doctor.machine import examine_machine
from cns_ros.doctor.middleware import examine_middleware
from cns_ros.doctor.robot import examine_robot
from cns_ros.doctor.settings import DoctorSettings

GROUPS = ("installation", "machine", "files", "robot", "camera")


def examine(settings: DoctorSettings, groups: Collection[str] = GROUPS) -> Iterator[Finding]:
    """The findings, each as soon as it is there.

    Args:
        groups: of ``GROUPS``; camera and robot are looked at over ROS where it works.
    """
    if "installation" in groups:
        yield from examine_installation(settings)
    ros = True
    for finding in examine_middleware():
        ros = ros and finding.verdict is not Verdict.FAIL
        if "installation" in groups or finding.verdict is Verdict.FAIL:
            yield finding
    if "machine" in groups:
        yield from examine_machine()
    if "files" in groups:
        yield from examine_files(settings)
    driver_expected = False
    if "robot" in groups:
        for finding in examine_robot(settings):
            driver_expected = driver_expected or finding.check == "robot mode"
            yield finding
    if ros and {"robot", "camera"} & set(groups):
        yield from _examine_graph(settings, groups, driver_expected)


def _examine_graph(
    settings: DoctorSettings, groups: Collection[str], driver_expected: bool
) -> Iterator[Finding]:
    # Only here: without ROS all of this cannot even be imported.
    from cns_ros.doctor.camera import examine_camera
    from cns_ros.doctor.listener import Listener
    from cns_ros.doctor.pose_topic import examine_pose

    # What was said of the profile is said; from here on listen as the nodes would.
    os.environ.update(servo_environment(ServoOptions()))
    with Listener(settings) as listener:
        if "robot" in groups:
            yield examine_pose(listener, driver_expected)
        if "camera" in groups:
            yield from examine_camera(settings, listener)
