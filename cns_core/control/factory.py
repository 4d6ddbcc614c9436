"""Controllers by name."""

from __future__ import annotations

from pathlib import Path

from cns_core.control.controller import Controller
from cns_core.control.ibvs import IbvsController

CONTROLLERS = ("cns", "ibvs")


def make_controller(
    controller: str | Controller, weights: str | Path | None = None, terminal: str = "ibvs"
) -> Controller:
    """Return the controller named 'cns' or 'ibvs'; a controller object passes through.

    Args:
        weights: path of CNS weights, ours or the authors'; None for the ones shipped.
        terminal: of CNS: ``'ibvs'`` lets the interaction matrix correct the policy near the goal,
            ``'none'`` does not.

    Raises:
        ValueError: for an unknown name, or weights that cannot be loaded.
    """
    if not isinstance(controller, str):
        return controller
    if controller == "ibvs":
        return IbvsController()
    if controller == "cns":
        # PyTorch takes a second to import, and the classical controllers do without.
        from cns_core.control.cns import CnsController

        return CnsController(weights, terminal=terminal)
    raise ValueError(f"controller must be one of {CONTROLLERS}, got {controller!r}")
