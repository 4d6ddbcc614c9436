"""ROS 2 and what carries its messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

from cns_core.share import share_directory
from cns_ros.cli.remedies import ROS_REMEDY
from cns_ros.doctor.finding import Finding, fail, ok, warn

_DISTRO = "jazzy"
_PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
_TRIED = ("rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp")


def examine_middleware() -> Iterator[Finding]:
    """Look at ROS 2; what is wrong with it keeps camera and robot topics from being looked at."""
    try:
        import rclpy

        rmw = rclpy.get_rmw_implementation_identifier()
    except Exception as error:  # a broken build raises whatever its loader does
        yield fail("ros", f"rclpy does not load: {' '.join(str(error).split())[:200]}", ROS_REMEDY)
        return
    yield _ros()
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    yield ok("rmw", f"{rmw}, domain {domain}, discovery {reach}")
    yield _profile(rmw)


def _ros() -> Finding:
    number = _version("rclpy") or _version("ros-rclpy") or "of unknown version"
    distro = os.environ.get("ROS_DISTRO", "")
    seen = f"rclpy {number}{f', {distro}' if distro else ''}"
    if distro and distro != _DISTRO:
        return warn("ros", seen, f"the suite is tried on {_DISTRO}: source that one")
    return ok("ros", seen)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _profile(rmw: str) -> Finding:
    """Whether images of a megabyte get through."""
    shipped = share_directory() / "config" / "fastdds.xml"
    if rmw not in _TRIED:
        return warn("rmw profile", f"not needed by {rmw}, which is not tried", "see its own manual")
    set_by = next((name for name in _PROFILE_VARIABLES if os.environ.get(name)), "")
    if not set_by:
        return warn(
            "rmw profile",
            "none is set here: the bring-up sets its own, a camera driver started elsewhere has "
            "none and loses large images",
            f"export {_PROFILE_VARIABLES[1]}={shipped} where that driver is started",
        )
    path = Path(os.environ[set_by])
    try:
        ElementTree.parse(path)
    except (OSError, ElementTree.ParseError) as error:
        seen = f"{set_by}={path} cannot be read: {error}"
        return fail("rmw profile", seen, f"unset it, or set it to {shipped}")
    return ok("rmw profile", str(path))
