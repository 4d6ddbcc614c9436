"""Settings of the simulated scenes, cameras and correspondences; the defaults are trained on."""

from __future__ import annotations

from dataclasses import dataclass, field

Range = tuple[float, float]
"""Least and largest value of what is drawn."""


@dataclass(frozen=True)
class SceneSettings:
    """Scenes and cameras; lengths in m, angles in degrees, image sizes in the normalized plane."""

    radius_m: Range = (0.12, 0.5)  # at most 1.5 times what half the image shows
    height_m: Range = (0.0, 0.14)
    bare_share: float = 0.25  # of the scenes, few and small objects on a table without texture
    half_width: Range = (0.4, 0.75)
    aspect: Range = (0.56, 0.76)
    desired_distance_m: Range = (0.35, 0.9)
    desired_elevation_deg: Range = (65.0, 90.0)
    desired_roll_deg: float = 180.0
    desired_tilt_deg: float = 5.0
    initial_distance_m: Range = (0.35, 1.0)
    initial_elevation_deg: Range = (30.0, 90.0)
    initial_roll_deg: float = 180.0
    initial_tilt_deg: float = 10.0
    near_share: float = 0.4  # of the starts, moved towards the goal
    aimed_share: float = 0.3  # of the other starts, aimed as those are
    aim_success: float = 0.7  # of both, turned until the scene appears where the goal sees it


@dataclass(frozen=True)
class CorrespondenceSettings:
    """What goes wrong with the keypoints; times in s, lengths in the normalized plane."""

    kernels: bool = True  # else keypoints are missing anywhere, as many of them
    kernel_sigma: Range = (0.1, 0.6)
    kinetic_monte_carlo: bool = True  # else what is observable is drawn anew each frame
    tau_s: Range = (0.5, 5.0)
    fewest_share: float = 0.05
    fewest: int = 4
    random_miss: float = 0.1
    random_miss_below: int = 64
    mismatched: float = 0.7  # share of the episodes with any mismatch
    mismatched_from: int = 10  # keypoints; a scene of fewer has too few to outvote a wrong one
    mismatch_share: Range = (0.0, 0.3)
    lasting_share: float = 0.7
    mismatch_hold_s: float = 2.0
    jitter: Range = (0.00002, 0.0016)  # of the current image's keypoints, anew in each frame
    desired_jitter: Range = (0.00002, 0.0016)  # of the desired image's


@dataclass(frozen=True)
class RolloutSettings:
    """How the environments move."""

    dt_s: float = 0.04
    supervised_share: float = 0.1
    prior_wrong_share: float = 0.4
    prior_log_error: Range = (-1.5, 0.8)
    fastest: float = 3.0
    view_below_deg: float = 30.0
    goal_rotation_deg: float = 0.5
    goal_translation_m: float = 0.003
    rest_steps: int = 80  # at the goal; an episode ends after them


@dataclass(frozen=True)
class SimulationSettings:
    """All that the simulator is told."""

    scene: SceneSettings = field(default_factory=SceneSettings)
    correspondence: CorrespondenceSettings = field(default_factory=CorrespondenceSettings)
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
