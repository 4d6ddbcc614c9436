"""What the observer node may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.observers import OBSERVERS
from cns_core.observers.learned.extra import LIGHTGLUE, complaint
from cns_core.settings import check, setting

_LIGHTGLUE = LIGHTGLUE.rstrip(":")


@dataclass(frozen=True)
class ObserverSettings:
    """Parameters of the ``observer`` node."""

    observer: str = setting(
        "sift",
        "keypoint detector or matcher; xfeat, lightglue and auto need the extra `learned`: auto is "
        "sift, and xfeat where that finds too little",
        choices=sorted([*OBSERVERS, _LIGHTGLUE]),
    )
    lightglue_weights: str = setting(
        "", "of the observer lightglue: file with weights trained for SIFT or XFeat features"
    )
    verify: bool = setting(True, "reject matches no rigid motion explains")
    tracking: bool = setting(True, "follow keypoints between matchings")
    background: bool = setting(
        True,
        "with tracking, match beside the stream of images; false: within it, which makes some "
        "images wait, but a recording's replay exact",
    )
    max_keypoints: int = setting(
        300, "most keypoints taken from the desired image", range=(16, 4096)
    )
    smooth_px: float = setting(
        1.0,
        "images are smoothed by so many pixels before keypoints are aligned: those that alias "
        "answer small motions in full only then; 0 for not at all",
        unit="px",
        range=(0.0, 5.0),
    )
    frozen_images: int = setting(
        5,
        "repetitions of an image, noise and all, that mean a frozen camera; 0 for no limit, which "
        "a camera without noise needs",
        range=(0, 1000),
    )
    stamp: str = setting(
        "header",
        "when an image was taken: its header's stamp, or, for a camera whose clock cannot be "
        "believed, the moment it is received, which leaves out how long it was on its way",
        choices=("header", "receive"),
    )
    desired_image_path: str = setting(
        "", "image file to use as the desired image from the start; empty for none"
    )

    image_transport: str = setting(
        "raw",
        "how images come: sensor_msgs/Image on image, or CompressedImage on image/compressed",
        choices=("raw", "compressed"),
    )
    rectified: bool = setting(
        False, "images are rectified (image_rect): camera_info's P holds, without distortion"
    )
    mask: str = setting(
        "",
        "what hides the scene in every image, such as the gripper: an image file, black there, or "
        "polygons around it in pixels, 'x,y x,y x,y; x,y ...'; empty for nothing",
    )

    learnt_mask_file: str = setting(
        "", "PNG file to which ~/learn_mask writes what it found, for `mask`; empty for none"
    )

    def __post_init__(self) -> None:
        check(self)
        if (self.observer == _LIGHTGLUE) != bool(self.lightglue_weights):
            raise ValueError(
                f"observer {_LIGHTGLUE} and the file lightglue_weights go together, got observer "
                f"{self.observer!r} and lightglue_weights {self.lightglue_weights!r}"
            )
        if self.observer in ("xfeat", _LIGHTGLUE) and (missing := complaint()):
            raise ValueError(missing)

    @property
    def observer_name(self) -> str:
        """The observer as :func:`cns_core.observers.make_observer` names it."""
        return self.observer + (self.lightglue_weights and f":{self.lightglue_weights}")
