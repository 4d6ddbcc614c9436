"""Conditions under which an episode runs: the ideal one and what may be wrong."""

from dataclasses import dataclass

MODERATE_NOISE = 2.0


@dataclass(frozen=True)
class Conditions:
    """What differs from a perfect camera on a perfectly known arm.

    Args:
        noise_std: of the image noise, grey levels.
        light_swing: amplitude of a slow change of the light, as a share of it; the desired image
            is taken in the middle.
        late_light: factor on the light from 2 s on.
        shutter_s: exposure time; the image is blurred by the motion during it.
        occluder: a board swinging to and fro before the camera always covers a third of the image.
        objects: how many objects, None for the scene's own number.
        plain_table: keypoints on the objects only.
        aim_off_deg: how far the goal looks past the scene's centre, so that part is out of view.
        prior_factor: assumed over true distance to the scene.
        hand_eye_deg, hand_eye_mm: error of the assumed camera mounting.
        focal_factor: assumed over true focal length.
        delay_frames: frames between an image and the motion that answers it.
        drop_share: share of images that never arrive; the last command then goes on.
    """

    noise_std: float = MODERATE_NOISE
    light_swing: float = 0.0
    late_light: float = 1.0
    shutter_s: float = 0.0
    occluder: bool = False
    objects: int | None = None
    plain_table: bool = False
    aim_off_deg: float = 0.0
    prior_factor: float = 1.0
    hand_eye_deg: float = 0.0
    hand_eye_mm: float = 0.0
    focal_factor: float = 1.0
    delay_frames: int = 0
    drop_share: float = 0.0


PERTURBATIONS = {
    "none": Conditions(),
    "occluder": Conditions(occluder=True),
    "light": Conditions(light_swing=0.4),
    "light-halved": Conditions(late_light=0.5),
    "occluder-light-halved": Conditions(occluder=True, late_light=0.5),
    "blur": Conditions(shutter_s=0.02),
    "noise": Conditions(noise_std=8.0),
    "hard": Conditions(objects=3, plain_table=True, aim_off_deg=8.0),
    "prior-x0.25": Conditions(prior_factor=0.25),
    "prior-x0.5": Conditions(prior_factor=0.5),
    "prior-x2": Conditions(prior_factor=2.0),
    "prior-x4": Conditions(prior_factor=4.0),
    "hand-eye": Conditions(hand_eye_deg=5.0, hand_eye_mm=10.0),
    "focal": Conditions(focal_factor=1.05),
    "delay-1": Conditions(delay_frames=1),
    "delay-2": Conditions(delay_frames=2),
    "delay-3": Conditions(delay_frames=3),
    "drops": Conditions(drop_share=0.2),
}
"""Perturbations by the name they carry in reports."""
