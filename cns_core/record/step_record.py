"""What is kept of each step of an episode, whoever runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3

_NO_TWIST = np.full(6, np.nan)


@dataclass(frozen=True, eq=False)
class StepRecord:
    """One step: what was seen, what the controller answered, and the truth. NaN is unknown.

    Attributes:
        time_s: since the episode's beginning.
        pose: (4, 4) true camera pose, in m.
        rotation_error_deg, translation_error_mm: true distance of ``pose`` to the goal.
        twist: (6,) the controller's answer [vx vy vz wx wy wz], m/s and rad/s, optical frame.
        keypoint_error: mean distance of the matched keypoints to their goals, normalized plane.
        matched: number of matched keypoints.
        image_age_s: from the exposure of the image behind the twist to the twist's publication.
        observe_ms, control_ms, graph_ms: time spent, by stage.
    """

    time_s: float
    pose: NDArray[np.float64]
    rotation_error_deg: float
    translation_error_mm: float
    twist: NDArray[np.float64]
    keypoint_error: float
    matched: int
    image_age_s: float
    observe_ms: float
    control_ms: float
    graph_ms: float

    @classmethod
    def towards(
        cls,
        goal: NDArray[np.float64],
        pose: NDArray[np.float64],
        time_s: float,
        *,
        twist: NDArray[np.float64] = _NO_TWIST,
        keypoint_error: float = math.nan,
        matched: int = 0,
        image_age_s: float = math.nan,
        timings: Mapping[str, Any] | None = None,
    ) -> StepRecord:
        """The record of a step at ``pose`` towards ``goal``, both (4, 4).

        Args:
            timings: seconds spent, by stage, as :class:`~cns_core.control.regulator.Step` has them.
        """
        spent_ms = {stage: 1e3 * spent_s for stage, spent_s in (timings or {}).items()}
        return cls(
            time_s=time_s,
            pose=pose,
            rotation_error_deg=se3.rotation_error_deg(goal, pose),
            translation_error_mm=1e3 * se3.translation_error_m(goal, pose),
            twist=twist,
            keypoint_error=keypoint_error,
            matched=matched,
            image_age_s=image_age_s,
            observe_ms=spent_ms.get("observe", math.nan),
            control_ms=spent_ms.get("control", math.nan),
            graph_ms=spent_ms.get("graph", math.nan),
        )

    @property
    def position_m(self) -> NDArray[np.float64]:
        """(3,) position of the camera."""
        return self.pose[:3, 3]


def column(records: Sequence[StepRecord], name: str) -> NDArray[np.float64]:
    """One field of all records as an array, the records its first dimension."""
    return np.array([getattr(record, name) for record in records], dtype=float)
