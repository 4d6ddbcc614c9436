"""A regulator as settings describe it: the one composition that nodes and replays share."""

from __future__ import annotations

from typing import TypeVar

from cns_core.control.factory import make_controller, make_stop_rule
from cns_core.control.guide import make_guide
from cns_core.control.regulator import Regulator
from cns_core.control.settings import ControlSettings

Kind = TypeVar("Kind", bound=Regulator)


def make_regulator(control: ControlSettings, kind: type[Kind]) -> Kind:
    """A regulator of a ``kind``, with the controller, stop rule and guide that settings name.

    Raises:
        ValueError: as :func:`.make_controller` and :func:`.make_stop_rule`.
    """
    return kind(
        make_controller(control.controller, control.weights or None, control.terminal),
        make_stop_rule(control.stop),
        guide=make_guide() if control.terminal == "structure" else None,
    )
