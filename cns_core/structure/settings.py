"""What the estimate of structure takes for granted about keypoints, odometry and errors."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting


@dataclass(frozen=True)
class StructureSettings:
    """Noise model and memory of :class:`~cns_core.structure.estimator.StructureEstimator`."""

    noise_floor: float = setting(
        5.5e-5, "noise of a sighting at the goal, normalized plane", range=(1e-6, 1e-2)
    )
    noise_per_change: float = setting(
        2e-4, "noise of a sighting by change of view, normalized plane", range=(0.0, 0.1)
    )
    memory_frames: float = setting(60.0, "frames that a point remembers", range=(2.0, 1e4))
    odometry_share: float = setting(
        0.02, "error of an odometry increment over its length", range=(1e-4, 1.0)
    )
    odometry_floor: float = setting(
        1e-4, "error of an odometry increment at rest, in distances and rad", range=(1e-7, 0.1)
    )
    inflation: float = setting(
        2.0, "factor on deviations that follow from the expected noise", range=(1.0, 100.0)
    )
    few_points: float = setting(
        50.0, "points by which deviations that follow from residuals double", range=(0.0, 1e4)
    )
    shared_noise: float = setting(
        0.3, "caution over the noise that neighbours share, over the noise", range=(0.0, 1.0)
    )
    found_shared_noise: float = setting(
        0.2, "part of the residuals that neighbours share", range=(0.0, 1.0)
    )
    shared_depth: float = setting(
        0.02, "error over the depth that neighbours share", range=(0.0, 1.0)
    )
    timing_share: float = setting(
        0.25, "caution over an image's time, over the time between images", range=(0.0, 1.0)
    )
    found_timing_share: float = setting(
        0.1, "error of an image's time over the time between images", range=(0.0, 1.0)
    )

    def __post_init__(self) -> None:
        check(self)
