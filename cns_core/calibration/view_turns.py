"""Whether the views turn the camera enough: AX = XB needs turns about two different axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.calibration.views import Sighting

LEAST_TURN_DEG = 15.0
"""About the second axis, between some two of the views."""

Array = NDArray[np.float64]


def turn_spans_deg(flange_poses: Sequence[Array]) -> tuple[Array, Array]:
    """How far the views turn about three axes at right angles, the one turned most about first.

    Returns:
        (3,) angles in degrees between the outermost views, and (3, 3) the axes in rows, unit
        vectors in the frame of the first flange.
    """
    if len(flange_poses) < 2:
        return np.zeros(3), np.eye(3)
    first = flange_poses[0][:3, :3].T
    turns = np.array([Rotation.from_matrix(first @ T[:3, :3]).as_rotvec() for T in flange_poses])
    axes = np.linalg.svd(turns)[2]
    spans = np.degrees(np.ptp(turns @ axes.T, axis=0))
    order = np.argsort(-spans, kind="stable")
    return spans[order], axes[order]


def check_turns(views: Sequence[Sighting]) -> None:
    """Refuse views from which the camera's pose does not follow.

    Raises:
        ValueError: naming the axes that are missing, and by how much.
    """
    spans, axes = turn_spans_deg([view.T_base_flange for view in views])
    if spans[1] >= LEAST_TURN_DEG:
        return
    needed = f"the views must turn the camera about two different axes by {LEAST_TURN_DEG} deg"
    if spans[0] < LEAST_TURN_DEG:
        raise ValueError(
            f"{needed} or more, got {spans[0]:.1f} deg about any axis: tilt the camera by 15 to 30 "
            "deg to all sides, and turn it about its optical axis"
        )
    others = " or ".join(name for i, name in enumerate("xyz") if i != np.abs(axes[0]).argmax())
    raise ValueError(
        f"{needed} or more, got {spans[0]:.1f} deg about {_words(axes[0])} of the flange, but "
        f"{spans[1]:.1f} deg about the second: turn the flange about its {others} as well"
    )


def _words(axis: Array) -> str:
    """A direction by its name where it has one."""
    largest = int(np.abs(axis).argmax())
    if abs(axis[largest]) > np.cos(np.radians(10.0)):
        return "xyz"[largest]
    axis = axis * np.sign(axis[largest])
    return f"({axis[0]:.2f} {axis[1]:.2f} {axis[2]:.2f})"
