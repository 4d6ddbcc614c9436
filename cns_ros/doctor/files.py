"""The files that the nodes are given."""

from __future__ import annotations

from collections.abc import Iterator

from cns_core.arm.hand_eye import HandEye
from cns_core.share import share_directory
from cns_ros.bringup.params_file import check_params_file
from cns_ros.doctor.finding import Finding, fail, ok, skipped
from cns_ros.doctor.settings import DoctorSettings


def examine_files(settings: DoctorSettings) -> Iterator[Finding]:
    """Look at the hand-eye file and the file of parameters."""
    yield _hand_eye(settings.hand_eye)
    path = settings.params_file or share_directory() / "config" / "servo.yaml"
    try:
        check_params_file(path)
    except ValueError as reason:
        yield fail("params file", str(reason), "mend the file; docs/parameters.md lists all")
    except ImportError as error:
        yield skipped("params file", f"not looked at without {error.name}")
    else:
        yield ok("params file", str(path))


def _hand_eye(path: str) -> Finding:
    if not path:
        return skipped("hand-eye", "no file given", "--hand-eye FILE; cns handeye makes one")
    try:
        hand_eye = HandEye.load(path)
    except ValueError as reason:
        return fail("hand-eye", str(reason), "cns handeye writes a new one")
    x, y, z = (1e3 * value for value in hand_eye.xyz_m)
    frames = f"{hand_eye.camera_frame} on {hand_eye.flange_frame}"
    return ok("hand-eye", f"{path}: {frames} at ({x:.1f}, {y:.1f}, {z:.1f}) mm")
