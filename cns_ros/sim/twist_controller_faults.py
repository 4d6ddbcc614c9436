"""Faults between the driver node and a vendor's ROS 2 driver, of `cns-bench faults`.

``python -m cns_ros.sim.twist_controller_faults HOST WORDS`` writes one JSON row a line for the
faults with these words in their name.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

import numpy as np
from geometry_msgs.msg import TwistStamped
from sensor_msgs.msg import JointState

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.arm_rig import FULL_MOTION
from cns_core.bench.faults.detection import follow_s, reaction_s, silence_s
from cns_core.bench.faults.fault import Fault, at_once
from cns_core.bench.faults.rig import GONE
from cns_core.twin.robot.control_box import Q_HOME
from cns_ros.ros.joints import UR_JOINTS
from cns_ros.ros.qos import OFFERED
from cns_ros.sim.fault_rows import print_rows
from cns_ros.sim.twist_controller_rig import TwistControllerRig
from cns_ros.sim.vendor_arm import DELAY_S

Rig = TwistControllerRig

_SENDERS_S = 0.2
"""How often the driver looks who else commands."""
_DISCOVERY_S = 0.5
"""In which a new node of the graph is heard of."""


def _feedback_s(config: UrConfig) -> float:
    return config.feedback_timeout_s + reaction_s(config)


def _another_s(config: UrConfig) -> float:
    return _DISCOVERY_S + _SENDERS_S + reaction_s(config)


def _arm(fault: str) -> Callable[[Rig], None]:
    return lambda rig: rig.graph.set_parameters("vendor_arm", fault=fault)


def _arm_fault(
    fault: str, name: str, detection_s: Callable[[UrConfig], float], *causes: str, **how: bool
) -> Fault[Rig]:
    repair = _arm("none")
    return Fault(name, at_once(_arm(fault)), detection_s, causes, repair=repair, **how)


def _send(twist: list[float] | None) -> Callable[[Rig], float]:
    def send(rig: Rig) -> None:
        rig.twist = twist

    return at_once(send)


def _signal(number: int) -> Callable[[Rig], float]:
    return at_once(lambda rig: rig.nodes.signal("ur_driver", number))


class _Others:
    """Publishes what somebody else would, until the repair."""

    def __init__(self, kind: type, topic: str, make: Callable[[], object] | None = None) -> None:
        self._kind, self._topic, self._make = kind, topic, make

    def begin(self, rig: Rig) -> None:
        """Appear."""
        self._publisher = rig.graph.node.create_publisher(self._kind, self._topic, OFFERED)
        self._timer = rig.graph.node.create_timer(0.01, self._publish)

    def end(self, rig: Rig) -> None:
        """Vanish."""
        rig.graph.node.destroy_timer(self._timer)
        rig.graph.node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        if self._make is not None:
            self._publisher.publish(self._make())


def _other(name: str, others: _Others, detection_s: Callable[[UrConfig], float], *causes: str):
    return Fault(name, at_once(others.begin), detection_s, causes, repair=others.end)


def _joints_elsewhere() -> JointState:
    q = [float(angle) for angle in np.array(Q_HOME) + 0.5]
    return JointState(name=list(UR_JOINTS), position=q, velocity=[0.0] * 6)


TWIST_CONTROLLER_FAULTS: tuple[Fault[Rig], ...] = (
    Fault("twist controller: twists end", _send(None), silence_s, ("command timeout",)),
    Fault(
        "twist controller: twists of NaN",
        _send([float("nan")] * 6),
        silence_s,
        ("twist must be finite",),
    ),
    Fault("twist controller: too fast", _send([50.0 * v for v in FULL_MOTION])),
    _arm_fault("silent", "twist controller: joints silent", _feedback_s, "joint_states are"),
    _arm_fault(
        "late",
        "twist controller: joints late",
        partial(follow_s, delay_s=DELAY_S),
        "joint_states are",
        "does not follow",
    ),
    _arm_fault(
        "stopped",
        "twist controller: arm stopped",
        reaction_s,
        "does not follow",
        unseen_at_rest=True,
    ),
    _arm_fault("deactivated", "twist controller: deactivated", reaction_s, "nobody listens to"),
    _other(
        "twist controller: two arms' joints",
        _Others(JointState, "joint_states", _joints_elsewhere),
        _another_s,
        "joint_states jump",
    ),
    _other(
        "twist controller: second node's twists",
        _Others(TwistStamped, "twist"),
        _another_s,
        "publishers of twist",
    ),
    _other(
        "twist controller: second sender",
        _Others(TwistStamped, "twist_commands"),
        _another_s,
        "publishers of /twist_commands",
    ),
    Fault("twist controller: driver told to end", _signal(signal.SIGTERM), reaction_s, (GONE,)),
    Fault("twist controller: driver interrupted", _signal(signal.SIGINT), reaction_s, (GONE,)),
)
"""All of them."""


def main() -> None:
    """Write the rows as they are measured."""
    print_rows(TwistControllerRig, TWIST_CONTROLLER_FAULTS)


if __name__ == "__main__":
    main()
