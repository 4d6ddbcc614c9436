"""Conditions under which the observers' benchmark looks at a scene."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.bench.loop.conditions import MODERATE_NOISE


@dataclass(frozen=True)
class ViewCondition:
    """Where the camera starts relative to the goal, and what is wrong with its images.

    Args:
        roll_deg: turn about the optical axis.
        tilt_deg: turn about a horizontal axis through the scene.
        scale: distance to the scene over that of the goal.
        nudge: multiple of 2 deg and 2 % of the distance, in a random direction.
        noise_std: image noise in grey levels.
        light: factor on the light, from the middle of the sequence on.
        shade: share of the light that is missing at the right border, ever less to the left, from
            the middle of the sequence on.
        blur_px: length of a horizontal motion blur, current images only.
        occluder: cover a third of the image by a moving stripe.
        approach: go all the way to the goal instead of staying about the start.
    """

    roll_deg: float = 0.0
    tilt_deg: float = 0.0
    scale: float = 1.0
    nudge: float = 0.0
    noise_std: float = MODERATE_NOISE
    light: float = 1.0
    shade: float = 0.0
    blur_px: int = 1
    occluder: bool = False
    approach: bool = False


VIEW_CONDITIONS: dict[str, ViewCondition] = {
    "approach": ViewCondition(roll_deg=40.0, tilt_deg=15.0, scale=1.2, approach=True),
    "near": ViewCondition(nudge=1.0),
    "near, light halved": ViewCondition(nudge=1.0, light=0.5),
    "near, light gradient": ViewCondition(nudge=1.0, shade=0.6),
    "near, noise 8": ViewCondition(nudge=1.0, noise_std=8.0),
    "near, blur 7 px": ViewCondition(nudge=1.0, blur_px=7),
    "near, third occluded": ViewCondition(nudge=1.0, occluder=True),
    **{f"rotation {angle}": ViewCondition(roll_deg=angle) for angle in (30, 90, 180)},
    **{f"viewpoint {angle}": ViewCondition(tilt_deg=angle) for angle in (15, 30, 45, 55, 65)},
    **{f"scale {scale}": ViewCondition(scale=scale) for scale in (0.5, 0.7, 1.4, 2.0)},
}
"""Conditions by the name they carry in reports."""
