"""Servo by the action `~/servo`: send a goal, tell its feedback, stop the arm on Ctrl-C.

    cns servo --sim --no-episode             # in one terminal; or the suite on a robot
    cns goals save here                      # in another: what the camera sees is a goal
    python examples/servo_action.py here --arm

Without `--arm` only twists are published. Exit code 0 if the goal is reached.
"""

import argparse
import signal
import sys
import threading

import rclpy
from rclpy.action import ActionClient

from cns_interfaces.action import Servo


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("goal", nargs="?", default="", help="a saved goal, or now; empty: as set")
    parser.add_argument("--tolerance", type=float, default=0.0, help="m, enough to be there")
    parser.add_argument("--arm", action="store_true", help="arm the driver: the arm moves")
    words = parser.parse_args()
    goal = Servo.Goal(goal=words.goal, tolerance=words.tolerance, arm=words.arm)
    result = follow("supervisor/servo", Servo, goal, lambda feedback: tell(feedback.progress))
    if result is None:
        return 1
    print(f"{result.outcome.verdict}, {result.outcome.steps} steps")
    return 0 if result.outcome.reached else 1


def tell(progress):
    """Print how far a servo has come."""
    left_mm = 1e3 * progress.remaining_translation
    bound_mm = 1e3 * progress.remaining_translation_bound
    print(
        f"{progress.status} ({progress.driver}): {progress.matched} matched, "
        f"{left_mm:.2f} mm +- {bound_mm:.2f} left {progress.cause}",
        flush=True,
    )


def follow(name, kind, goal, tell):
    """Send a goal and follow it to its end; its result, None if nobody takes it.

    Ctrl-C cancels it: the supervisor stops the controller and disarms the arm. A program that just
    ended would leave the arm on its way.
    """
    stop = threading.Event()
    rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    node = rclpy.create_node("servo_example")
    try:
        client = ActionClient(node, kind, name)
        if not client.wait_for_server(timeout_sec=10.0):
            print(f"no action {name}: start the suite, cns servo", file=sys.stderr)
            return None
        sent = client.send_goal_async(goal, feedback_callback=lambda each: tell(each.feedback))
        rclpy.spin_until_future_complete(node, sent)
        handle = sent.result()
        if not handle.accepted:
            print(f"{name} takes no more goals: cancel one", file=sys.stderr)
            return None
        ended, cancelling = handle.get_result_async(), None
        while not ended.done():
            rclpy.spin_once(node, timeout_sec=0.1)
            if stop.is_set() and cancelling is None:
                cancelling = handle.cancel_goal_async()
        return ended.result().result
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
