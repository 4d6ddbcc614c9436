"""Controllers and stop rules by name."""

from __future__ import annotations

from pathlib import Path

from cns_core.control.controller import Controller
from cns_core.control.ibvs import IbvsController
from cns_core.control.motion_stop import MotionStop
from cns_core.control.pixel_error_stop import PixelErrorStop
from cns_core.control.stop_rule import StopRule
from cns_core.control.verdict_stop import VerdictStop

CONTROLLERS = ("cns", "ibvs")
TERMINALS = ("none", "ibvs", "structure")
"""What takes over near the goal: nothing, IBVS's correction, or the measured way."""
STOP_RULES: dict[str, type[StopRule]] = {
    "verdict": VerdictStop,
    "motion": MotionStop,
    "pixel_error": PixelErrorStop,
}


def make_controller(
    controller: str | Controller, weights: str | Path | None = None, terminal: str = "ibvs"
) -> Controller:
    """Return the controller named 'cns' or 'ibvs'; a controller object passes through.

    Args:
        weights: path of CNS weights, ours or the authors'; None for the ones shipped.
        terminal: of CNS: ``'ibvs'`` lets the interaction matrix correct the policy near the goal,
            ``'none'`` does not; ``'structure'`` does too, its guide is the caller's to make.

    Raises:
        ValueError: for an unknown name, or weights that cannot be loaded.
    """
    if not isinstance(controller, str):
        return controller
    if controller == "ibvs":
        return IbvsController()
    if controller == "cns":
        # The policy brings scikit-learn in, which the classical controllers do without.
        from cns_core.control.cns import CnsController

        guided = terminal == "structure"
        # Where structure soon takes over, mirror images are not worth what they take of each frame.
        return CnsController(weights, "ibvs" if guided else terminal, mirrored=not guided)
    raise ValueError(f"controller must be one of {CONTROLLERS}, got {controller!r}")


def make_stop_rule(rule: str | StopRule = "default") -> StopRule:
    """Return a stop rule by name, ``'default'`` or one of ``STOP_RULES``; an object passes through.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(rule, str):
        return rule
    name = "verdict" if rule == "default" else rule
    if name not in STOP_RULES:
        raise ValueError(f"stop rule must be one of {['default', *STOP_RULES]}, got {rule!r}")
    return STOP_RULES[name]()
