"""The scenes that policies are judged on, in training, by its commands and in the benchmark."""

from __future__ import annotations

import math
from dataclasses import replace

from cns_core.simulation.settings import SceneSettings, SimulationSettings

_HALF_WIDTH = 320 / 540
_ASPECT = 480 / 640
"""The image of the paper's camera: 640 x 480 pixels at a focal length of 540."""

PAPER_SCENE = SceneSettings(
    radius_m=(0.2, 0.2),
    height_m=(0.1, 0.1),
    bare_share=0.0,
    half_width=(_HALF_WIDTH, _HALF_WIDTH),
    aspect=(_ASPECT, _ASPECT),
    desired_distance_m=(0.5, 0.9),
    desired_elevation_deg=(70.0, 90.0),
    desired_roll_deg=15.0,
    initial_roll_deg=60.0,
    initial_distance_m=(0.5, 0.9),
    near_share=0.0,
    aimed_share=0.0,
)
"""Scenes and cameras of section IV."""


def evaluation_settings(
    settings: SimulationSettings, mismatch_share: float, prior_factor: float = 1.0
) -> SimulationSettings:
    """The paper's scenes and camera, the policy alone at the wheel, a given prior.

    Args:
        settings: what they do not state.
        mismatch_share: of the keypoints, in every scene.
        prior_factor: assumed over true distance.
    """
    return replace(
        settings,
        scene=PAPER_SCENE,
        correspondence=replace(
            settings.correspondence,
            kernel_sigma=(0.3, 0.3),
            fewest_share=0.2,
            tau_s=(2.5, 5.0),
            mismatched=1.0,
            mismatch_share=(mismatch_share, mismatch_share),
            jitter=(0.0005, 0.0005),
            desired_jitter=(0.0005, 0.0005),
        ),
        rollout=replace(
            settings.rollout,
            supervised_share=0.0,
            prior_wrong_share=1.0,
            prior_log_error=(math.log(prior_factor), math.log(prior_factor)),
        ),
    )
