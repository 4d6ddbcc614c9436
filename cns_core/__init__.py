"""Correspondence-encoded neural image servoing (CNS), without ROS.

Names are imported on first use: a program that needs the camera model alone pays for no PyTorch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "PinholeCamera": "cns_core.geometry.camera",
    "Correspondence": "cns_core.geometry.correspondence",
    "VisualServo": "cns_core.servo",
    "load_policy": "cns_core.policy.weights",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
