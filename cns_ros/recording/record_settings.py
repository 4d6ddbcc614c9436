"""What ``cns record`` may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting


@dataclass(frozen=True, kw_only=True)
class RecordSettings:
    """Options of ``cns record``.

    Raises:
        ValueError: naming the option, its value and what is allowed.
    """

    out: str = setting("", "file to write; empty for recording_DATE_TIME.mcap here")
    images: str = setting(
        "jpeg",
        "how to keep images: raw, bit for bit (640x480 in colour at 25 Hz: 1.4 GB a minute); jpeg, "
        "about a tenth of that; or none",
        choices=("jpeg", "raw", "none"),
    )
    image_topic: str = setting("image", "images of the wrist camera")
    camera_info_topic: str = setting("camera_info", "calibration of the wrist camera")
    also: str = setting("", "further topics, separated by commas")
    duration_s: float = setting(
        0.0, "how long to record; 0 until Ctrl-C", unit="s", range=(0.0, 1e6), parameter="duration"
    )

    def __post_init__(self) -> None:
        check(self)
