"""What ``cns replay`` may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting

PARTS = ("controller", "observer")


@dataclass(frozen=True, kw_only=True)
class ReplaySettings:
    """Options of ``cns replay``.

    Raises:
        ValueError: naming the option, its value and what is allowed.
    """

    part: str = setting("all", "what to repeat", choices=("all", *PARTS))
    weights: str = setting("", "other weights for the cns controller; empty for the recorded ones")
    out: str = setting("", "folder for the pictures of the episode; empty for none")

    def __post_init__(self) -> None:
        check(self)
