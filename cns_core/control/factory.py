"""Controllers: CNS, IBVS and PBVS behind one interface."""

from cns_core.control.ibvs import IbvsController

CONTROLLERS = ("cns", "ibvs")


FINISHES = ("none", "ibvs")


def make_controller(controller, weights=None, finish="ibvs"):
    """Return the controller named 'cns' or 'ibvs'; a controller object passes through.

    Args:
        weights: path of CNS weights, ours or the authors'; None for the ones shipped.
        finish: ``'ibvs'`` lets the interaction matrix correct the policy near the goal.

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

        return CnsController(weights, finish=finish)
    raise ValueError(f"controller must be one of {CONTROLLERS}, got {controller!r}")
