"""The robot's controller: whether it is there, in which mode, and whether it listens."""

from __future__ import annotations

from collections.abc import Iterator

from cns_core.arm.ur.preflight import Unreachable, ask_dashboard, check_reachable
from cns_ros.doctor.finding import Finding, fail, ok, skipped
from cns_ros.doctor.settings import DoctorSettings


def examine_robot(settings: DoctorSettings) -> Iterator[Finding]:
    """Look at the controller through its dashboard and its RTDE port."""
    host = settings.robot_ip
    if not host:
        yield skipped("robot", "no address given", "--robot-ip ADDRESS")
        return
    try:
        check_reachable(host)
        asked = ("PolyscopeVersion", "robotmode", "safetystatus", "is in remote control")
        version, mode, safety, remote = (ask_dashboard(host, command) for command in asked)
    except Unreachable as reason:
        remedy = f"ping {host}; cable, address and netmask of both; the controller must be on"
        yield fail("robot", str(reason), remedy)
        return
    yield ok("robot", f"{version} at {host}, dashboard and RTDE answer")
    yield _expect("robot mode", mode, "RUNNING", "switch it on and release the brakes")
    yield _expect("robot safety", safety, "NORMAL", "clear it on the pendant")
    if remote == "false":
        yield fail("robot control", "local", "switch the pendant to remote control")
    else:
        # Controllers before the e-Series do not know the question, and have no such switch.
        yield ok("robot control", "remote" if remote == "true" else f"no such switch ({remote})")


def _expect(check: str, answer: str, wanted: str, remedy: str) -> Finding:
    """The dashboard answers ``Robotmode: RUNNING``."""
    found = answer.rpartition(":")[2].strip()
    return ok(check, found) if found == wanted else fail(check, f"{found}, not {wanted}", remedy)
