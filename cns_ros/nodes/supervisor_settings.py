"""What the supervisor node may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting


@dataclass(frozen=True)
class SupervisorSettings:
    """Parameters of the ``supervisor`` node."""

    goals_folder: str = setting("~/.ros/cns_goals", "folder of the saved goals")
    timeout_s: float = setting(
        60.0,
        "longest that servoing to one goal may take, where the request does not say",
        unit="s",
        range=(0.1, 3600.0),
        live=True,
        parameter="timeout",
    )
    silence_s: float = setting(
        3.0,
        "longest silence of a node on /diagnostics before it is taken for dead",
        unit="s",
        range=(1.5, 60.0),
        live=True,
        parameter="silence",
    )
    image_transport: str = setting(
        "raw", "how images come, as the observer's", choices=("raw", "compressed")
    )
    rectified: bool = setting(False, "images are rectified, as the observer's")

    def __post_init__(self) -> None:
        check(self)
