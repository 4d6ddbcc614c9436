"""Faults of the camera, and the death of each node, in the whole graph of `cns-bench faults`.

``python -m cns_ros.sim.graph_faults HOST WORDS`` writes one JSON row a line for the faults with
these words in their name.
"""

from collections.abc import Callable

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.detection import process_end_s, silence_s
from cns_core.bench.faults.fault import Fault, at_once, never
from cns_core.bench.faults.rig import GONE
from cns_core.control.settings import SessionSettings
from cns_ros.sim.fault_rows import print_rows
from cns_ros.sim.graph_rig import GraphRig
from cns_ros.sim.twin import IMAGE_RATE_HZ

MAX_IMAGE_AGE_S = SessionSettings().max_image_age_s

_FRAMES_S = 6 / IMAGE_RATE_HZ
_IN_TIME: dict[str, object] = {"clock_ahead": 0.0}
_JUMPS = ("clock that stamps the images was set", "stamps of images jump")
_NO_TWISTS = ("command timeout",)


# What a camera has delivered may still move the arm until it is ``max_image_age`` old, and the
# twist it led to is held for ``command_timeout``.


def _no_image_s(config: UrConfig) -> float:
    return MAX_IMAGE_AGE_S + silence_s(config)


def _same_image_s(config: UrConfig) -> float:
    return _FRAMES_S + MAX_IMAGE_AGE_S + silence_s(config)


def _late_image_s(config: UrConfig) -> float:
    # Half as old as the fault.
    return 2.0 * MAX_IMAGE_AGE_S + silence_s(config)


def _jump_s(config: UrConfig) -> float:
    # The clock is set within a second.
    return 1.0 + _no_image_s(config)


def _camera(**settings: object) -> Callable[[GraphRig], None]:
    """Change settings of the twin."""
    return lambda rig: rig.graph.set_parameters("twin", **settings)


def _camera_fault(
    name: str,
    fault: str,
    detection_s: Callable[[UrConfig], float] = never,
    causes: tuple[str, ...] = (),
) -> Fault[GraphRig]:
    inject = at_once(_camera(camera_fault=fault))
    return Fault(name, inject, detection_s, causes, repair=_camera(camera_fault="none"))


def _bad_clock(
    name: str,
    causes: tuple[str, ...],
    good: dict[str, object],
    bad: dict[str, object],
    detection_s: Callable[[UrConfig], float] = _no_image_s,
) -> Fault[GraphRig]:
    return Fault(name, at_once(_camera(**bad)), detection_s, causes, repair=_camera(**good))


def _dead_node(
    name: str, node: str, detection_s: Callable[[UrConfig], float], causes: tuple[str, ...]
) -> Fault[GraphRig]:
    def kill(rig: GraphRig) -> None:
        rig.nodes.kill(node)

    return Fault(name, at_once(kill), detection_s, causes, repair=lambda rig: rig.start(node))


GRAPH_FAULTS: tuple[Fault[GraphRig], ...] = (
    _camera_fault("camera drops every other frame", "dropped"),
    _camera_fault("camera duplicates frames", "duplicated"),
    _camera_fault("camera exchanges frames", "out_of_order"),
    _camera_fault("camera silent", "silent", _no_image_s, ("no matches",)),
    _camera_fault("camera frozen", "frozen", _same_image_s, ("frozen camera",)),
    _camera_fault("camera late", "late", _late_image_s, ("s old",)),
    _bad_clock("camera's clock ahead", ("s in the future",), _IN_TIME, {"clock_ahead": 3.0}),
    _bad_clock("camera's clock behind", ("s old",), _IN_TIME, {"clock_ahead": -3.0}),
    _bad_clock("camera's clock jumps", _JUMPS, {"clock_jump": 0.0}, {"clock_jump": 3.0}, _jump_s),
    _bad_clock("camera without stamps", ("no time stamp",), {"stamps": True}, {"stamps": False}),
    _dead_node("camera killed", "twin", _no_image_s, ("no matches",)),
    _dead_node("observer killed", "observer", silence_s, _NO_TWISTS),
    _dead_node("controller killed", "controller", silence_s, _NO_TWISTS),
    _dead_node("ur_driver killed", "ur_driver", process_end_s, (GONE,)),
    Fault(
        "ur_driver's worker killed",
        at_once(lambda rig: rig.nodes.kill_child("ur_driver")),
        process_end_s,
        ("SIGKILL",),
    ),
)
"""All faults of camera and nodes."""


def main() -> None:
    """Write the rows as they are measured."""
    print_rows(GraphRig, GRAPH_FAULTS)


if __name__ == "__main__":
    main()
