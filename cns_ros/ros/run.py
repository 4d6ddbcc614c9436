"""How every node of the suite starts and ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from rclpy.exceptions import ParameterException
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.parameters import in_effect, refuse_unknown
from cns_ros.ros.participation import Participation

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_S = 0.1


def run(
    make_node: Callable[[], GuardedNode],
    make_executor: Callable[..., Executor] = SingleThreadedExecutor,
) -> int:
    """Spin the node that ``make_node()`` builds until it is told to end; return the exit code.

    What a user can mend (a refused parameter, a file that is missing) is said in one line.

    Signals are ours: rclpy's own handler ends the context at once, and with it the means to tell
    the arm to stand still.
    """
    part = Participation(
        make_executor=make_executor, signal_handler_options=SignalHandlerOptions.NO
    )
    for number in _ENDING:
        signal.signal(number, signal.default_int_handler)
    try:
        node = part.add(make_node())
        refuse_unknown(node)
        node.get_logger().info(f"parameters in effect: {in_effect(node)}")
        _spin(part.executor)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (ValueError, OSError, ParameterException) as reason:
        print(f"{make_node.__name__}: {reason}", file=sys.stderr, flush=True)
        return 1
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)  # the end is not to be interrupted
        part.close()
    return 0


def _spin(executor: Executor) -> None:
    """Until a signal, which interrupts no callback; the context outlives it."""
    told = []
    for number in _ENDING:
        signal.signal(number, lambda *_: told.append(True))
    while not told:
        executor.spin_once(timeout_sec=_LOOK_S)
