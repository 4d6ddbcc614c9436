"""The URDF of a Universal Robots arm, where its description package is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

_PACKAGES = ("ur_description", "robot_state_publisher")
_REMEDY = "apt install ros-$ROS_DISTRO-ur-description ros-$ROS_DISTRO-robot-state-publisher"


def robot_description(model: str) -> str:
    """The URDF of a model (``ur5e``) as text, made by xacro from ``ur_description``.

    Raises:
        ValueError: naming what is not installed and what to do, or what xacro says.
    """
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    if shutil.which("xacro") is None:
        missing.append("xacro")
    if missing:
        raise ValueError(
            f"urdf {model!r} needs {', '.join(missing)}, which this ROS installation does not "
            f"have: {_REMEDY}, or leave urdf empty"
        )
    share = Path(get_package_prefix("ur_description"), "share", "ur_description")
    command = ["xacro", str(share / "urdf" / "ur.urdf.xacro"), "name:=ur", f"ur_type:={model}"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise ValueError(f"urdf {model!r}: {' '.join(command)} says: {made.stderr.strip()}")
    return made.stdout


def program(package: str, executable: str) -> str:
    """Where a program of another package is: on the PATH, or where ``ros2 run`` looks."""
    if found := shutil.which(executable):
        return found
    if not _is_installed(package):
        return executable  # starting it says that it is not there
    return str(Path(get_package_prefix(package), "lib", package, executable))


def _is_installed(package: str) -> bool:
    try:
        get_package_prefix(package)
    except (PackageNotFoundError, OSError):  # the latter where no installation is sourced
        return False
    return True
