"""What the episode node may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting
from cns_ros.bringup.servo_options import SEEDS, SIMULATED_ROBOT_IP


@dataclass(frozen=True)
class EpisodeSettings:
    """Parameters of the ``episode`` node."""

    seed: int = setting(0, "the twin's seed", range=SEEDS)
    host: str = setting(SIMULATED_ROBOT_IP, "the twin's loopback address")
    hand_eye_file: str = setting("", "as the twin's")
    out: str = setting("out", "folder for pictures and figures")
    timeout_s: float = setting(
        60.0,
        "longest that the episode may take",
        unit="s",
        range=(1.0, 3600.0),
        parameter="timeout",
    )

    def __post_init__(self) -> None:
        check(self)
