"""Conditions under which an episode runs: the ideal one and what may be wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from cns_core.twin.camera.presets import IDEAL, MODELS, camera_model

MODERATE_NOISE = 2.0
MOVED_AT_S = 1.2
"""When an object is moved: the camera is half way then."""


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
        prior_factor: assumed over true distance to the scene; None where none is told.
        hand_eye_deg, hand_eye_mm: error of the assumed camera mounting.
        focal_factor: assumed over true focal length.
        principal_px: how far the true principal point lies beside the assumed one.
        distortion: of the true camera, beyond what is assumed (none), as OpenCV has it.
        moved_mm: how far one object is moved along the table at ``MOVED_AT_S``.
        odometry_scale: translation that odometry tells over the true one; 0 for a frozen one.
        odometry_step_mm: play of a loose mount, which the camera crosses about once a second.
        delay_frames: frames between an image and the motion that answers it.
        drop_share: share of images that never arrive; the last command then goes on.
        tool: a gripper reaches into all images, the desired one too.
        pasted_tool: the same of a thing cut from a photograph.
        camera: preset, see :func:`.camera_model`; but for ``ideal`` it says itself what noise,
            shutter, distortion, error of the principal point and tool there are.
        start_share: how much of the way to the goal is left at the start, for methods that need
            the two views to be alike.
        corrupted_print: of `poster`: the print differs from that of the desired image, see
            :func:`cns_core.bench.loop.poster.corrupt`.
        scene_scale: factor on the whole scene with its poses; errors are told in its units.

    Raises:
        ValueError: for what a camera's preset says itself, or an unknown preset.
    """

    noise_std: float = MODERATE_NOISE
    light_swing: float = 0.0
    late_light: float = 1.0
    shutter_s: float = 0.0
    occluder: bool = False
    objects: int | None = None
    plain_table: bool = False
    aim_off_deg: float = 0.0
    prior_factor: float | None = 1.0
    hand_eye_deg: float = 0.0
    hand_eye_mm: float = 0.0
    focal_factor: float = 1.0
    principal_px: float = 0.0
    distortion: tuple[float, ...] = ()
    moved_mm: float = 0.0
    odometry_scale: float = 1.0
    odometry_step_mm: float = 0.0
    delay_frames: int = 0
    drop_share: float = 0.0
    tool: bool = False
    pasted_tool: bool = False
    camera: str = IDEAL
    start_share: float = 1.0
    scene_scale: float = 1.0
    corrupted_print: bool = False

    def __post_init__(self) -> None:
        if camera_model(self.camera) is None:
            return
        for name in _CAMERAS_OWN:
            value, default = getattr(self, name), getattr(Conditions, name)
            if value != default:
                raise ValueError(f"camera {self.camera!r} has a {name} of its own, got {value!r}")


_CAMERAS_OWN = ("noise_std", "shutter_s", "distortion", "principal_px", "tool", "pasted_tool")
_CAMERA = "camera-"

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
    "prior-none": Conditions(prior_factor=None),
    "focal": Conditions(focal_factor=1.05),
    "focal-short": Conditions(focal_factor=0.95),
    "principal": Conditions(principal_px=10.0),
    "distortion": Conditions(distortion=(-0.01, 0.003, 3e-4, -3e-4)),
    "moved": Conditions(moved_mm=30.0),
    "odometry-frozen": Conditions(odometry_scale=0.0),
    "odometry-half": Conditions(odometry_scale=0.5),
    "odometry-steps": Conditions(odometry_step_mm=5.0),
    "delay-1": Conditions(delay_frames=1),
    "delay-2": Conditions(delay_frames=2),
    "delay-3": Conditions(delay_frames=3),
    "delay-4": Conditions(delay_frames=4),
    "drops": Conditions(drop_share=0.2),
    "tool": Conditions(tool=True),
    "tool-pasted": Conditions(pasted_tool=True),
    **{f"{_CAMERA}{name}": Conditions(camera=name) for name in MODELS},
    "near": Conditions(start_share=0.2),
    "corrupted-print": Conditions(corrupted_print=True),
    "scale-x0.1": Conditions(scene_scale=0.1),
    "scale-x0.3": Conditions(scene_scale=0.3),
    "scale-x3": Conditions(scene_scale=3.0),
    "scale-x10": Conditions(scene_scale=10.0),
}
"""Perturbations by the name they carry in reports; ``camera-NAME-less-EFFECT`` are some more."""


@cache
def conditions_of(perturbation: str) -> Conditions:
    """The conditions of one of ``PERTURBATIONS``, or of several joined by ``+``.

    Raises:
        ValueError: for an unknown name, or two that change the same.
    """
    default = asdict(Conditions())
    changes: dict[str, Any] = {}
    for name in perturbation.split("+"):
        own = {k: v for k, v in asdict(_perturbation(name)).items() if v != default[k]}
        if twice := own.keys() & changes.keys():
            raise ValueError(f"{perturbation!r} says twice what {sorted(twice)} shall be")
        changes |= own
    return Conditions(**changes)


def _perturbation(name: str) -> Conditions:
    if name in PERTURBATIONS:
        return PERTURBATIONS[name]
    if name.startswith(_CAMERA):
        return Conditions(camera=name.removeprefix(_CAMERA))
    raise ValueError(
        f"perturbation must be one of {sorted(PERTURBATIONS)}, or several joined by '+', "
        f"got {name!r}"
    )
