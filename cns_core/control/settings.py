"""What a user sets of the control: the law, its bounds, and when a servo session stops."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.control.depth_prior import AUTO, Prior
from cns_core.control.factory import CONTROLLERS, STOP_RULES, TERMINALS
from cns_core.settings import check, setting


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """Which controller and which stop rule.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    controller: str = setting("cns", "control law", choices=CONTROLLERS)
    weights: str = setting("", "CNS weights file, ours or the authors'; empty for the one shipped")
    terminal: str = setting("structure", "what takes over near the goal", choices=TERMINALS)
    stop: str = setting("default", "when to stop", choices=("default", *STOP_RULES))

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """What may change while servoing; it takes effect at the next frame.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    depth_prior: Prior = setting(
        AUTO,
        "distance from the desired camera to the scene centre until motion has told it, rather too "
        "small than too large; or auto: a depth image's, or slowly by a guess",
        unit="m",
        range=(0.01, 100.0),
        literals=(AUTO,),
        live=True,
    )
    gain: float = setting(1.0, "factor on the twist", range=(0.01, 10.0), live=True)
    max_linear_m_s: float = setting(
        0.25,
        "largest linear speed",
        unit="m/s",
        range=(0.0, 2.0),
        live=True,
        parameter="max_linear",
    )
    max_angular_rad_s: float = setting(
        1.0,
        "largest angular speed",
        unit="rad/s",
        range=(0.0, 4.0),
        live=True,
        parameter="max_angular",
    )
    matches_timeout_s: float = setting(
        0.5,
        "time without matches from a fresh image after which the episode is stopped",
        unit="s",
        range=(0.05, 10.0),
        live=True,
        parameter="matches_timeout",
    )
    max_image_age_s: float = setting(
        0.5,
        "the camera stands still when the image behind a twist is older",
        unit="s",
        range=(0.02, 10.0),
        live=True,
        parameter="max_image_age",
    )
    step_back: bool = setting(
        True,
        "after 1 s in which nothing was seen, go back over the way of the last seconds, at most "
        "30 mm and 9 deg at 20 mm/s, until the target is seen or lost; false: stand still",
        live=True,
    )
    stop_zeros: int = setting(5, "zero twists sent when stopping", range=(1, 100), live=True)

    def __post_init__(self) -> None:
        check(self)
