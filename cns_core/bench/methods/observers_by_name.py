"""The observers of the benchmark, by name."""

from __future__ import annotations

from pathlib import Path

from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.bench.loop.oracle import OracleObserver
from cns_core.bench.methods.flow_observer import FlowObserver, dis_flow
from cns_core.bench.methods.raft_flow import MODELS, raft_flow
from cns_core.observers import OBSERVERS as SHIPPED
from cns_core.observers.factory import make_observer
from cns_core.observers.observer import Observer

OBSERVERS = (
    *(name + mode for name in SHIPPED for mode in ("", "-tracked")),
    *("dis-flow", "truth"),
)
"""Those that need no file; RAFT's are named ``raft_small:FILE`` and ``raft_large:FILE``."""


def check_observer(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: unless it names an observer, or a RAFT model and an existing file.
    """
    model, _, weights = name.partition(":")
    if name not in OBSERVERS and model not in MODELS:
        raise ValueError(
            f"observer must be one of {OBSERVERS}, or {' or '.join(f'{m}:FILE' for m in MODELS)} "
            f"with the file of its weights, got {name!r}"
        )
    if model in MODELS and not Path(weights).is_file():
        raise ValueError(f"{model} needs its weights file, as {model}:FILE, got {name!r}")
    return name


def build_observer(
    name: str, environment: ImageEnvironment, verify: bool, smooth_px: float
) -> Observer:
    """The observer of a name for one episode.

    Args:
        verify: whether matches must agree on one rigid motion.
        smooth_px: as of :func:`.make_observer`; of observers that track.

    Raises:
        ValueError: as :func:`check_observer`.
        ImportError: as :func:`.raft_flow`.
    """
    check_observer(name)
    if name == "truth":
        return OracleObserver(environment)
    if name == "dis-flow":
        return FlowObserver(environment.assumed_camera, dis_flow(), verify)
    model, _, weights = name.partition(":")
    if model in MODELS:
        return FlowObserver(environment.assumed_camera, raft_flow(model, weights), verify)
    backend, _, tracking = name.partition("-")
    # Matching in the same thread: what a frame sees must not depend on how fast the machine is.
    return make_observer(
        backend,
        environment.assumed_camera,
        verify=verify,
        tracking=bool(tracking),
        background=False,
        smooth_px=smooth_px,
    )
