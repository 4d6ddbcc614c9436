"""How every node of the suite starts and ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from cns_ros.ros.parameters import in_effect, refuse_unknown


def run(
    make_node: Callable[[], Node], make_executor: Callable[[], Executor] = SingleThreadedExecutor
) -> int:
    """Spin the node that ``make_node()`` builds until it is told to end; return the exit code.

    What a user can mend (a refused parameter, a file that is missing) is said in one line.
    """
    rclpy.init()
    node = None
    try:
        node = make_node()
        refuse_unknown(node)
        node.get_logger().info(f"parameters in effect: {in_effect(node)}")
        rclpy.spin(node, make_executor())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (ValueError, OSError, ParameterException) as reason:
        print(f"{make_node.__name__}: {reason}", file=sys.stderr, flush=True)
        return 1
    except Exception:
        # A signal ends the context under a callback's feet, and its publishing then fails.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
