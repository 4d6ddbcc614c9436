"""Tour node of ``cns-handeye --sim``: takes the twin from view to view, and calibrates.

It does what a person does: jogs the arm on its pendant, calls ``capture`` at each view until there
are fifteen, then ``solve``. The true pose serves for the closing line only.
"""

import sys
import time

import rclpy
from rclpy.executors import ExternalShutdownException
from std_srvs.srv import Trigger

from cns_core.arm.hand_eye import HandEye
from cns_core.geometry import se3
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.workcell import Workcell
from cns_ros.ros.parameters import declare
from cns_ros.sim.twin import load_hand_eye

_VIEWS = 15
_JOG_RAD_S = 1.5
_PATIENCE_S = 30.0
_AGAIN_S = 0.1
# What the figure of fifteen views has to be, far above what it is without a fault.
_WORST_DEG, _WORST_MM = 0.05, 0.5


class TourFailed(Exception):
    """Why there is no calibration."""


class Tour:
    """Fifteen views and the solution; ``node`` is the rclpy node to do it with."""

    def __init__(self, node):
        self._node = node
        seed = declare(node, "seed", 0, "the twin's seed", range=(0, 2**31 - 1), read_only=True)
        self._host = declare(node, "host", "127.0.0.1", "the twin's address", read_only=True)
        truth = declare(node, "hand_eye_file", "", "as the twin's", read_only=True)
        self._path = declare(node, "file", "hand_eye.yaml", "the file written", read_only=True)
        self._truth = load_hand_eye(truth).T_flange_camera
        self._poses = Workcell(seed, self._truth, board=True).views()

    def run(self):
        """Do it all; returns the closing line.

        Raises:
            TourFailed: naming what went wrong.
        """
        captured = self._capture()
        with Pendant(self._host) as pendant:
            while captured < _VIEWS:
                pendant.move_joints(next(self._poses), speed_rad_s=_JOG_RAD_S)
                captured += self._capture()
        answer = self._call("solve")
        self._say(answer.message)
        if not answer.success:
            raise TourFailed(answer.message)
        found = HandEye.load(self._path).T_flange_camera
        degrees = se3.rotation_error_deg(found, self._truth)
        millimetres = 1e3 * se3.translation_error_m(found, self._truth)
        result = f"rotation_error_deg={degrees:.4f} translation_error_mm={millimetres:.4f}"
        if degrees > _WORST_DEG or millimetres > _WORST_MM:
            raise TourFailed(result)
        return result

    def _capture(self):
        """Whether this view could be taken, once the arm and the graph have settled."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            answer = self._call("capture")
            if answer.success or "corners" in answer.message:
                self._say(answer.message)
                return answer.success
            time.sleep(_AGAIN_S)
        raise TourFailed(f"capture refused: {answer.message}")

    def _call(self, service):
        client = self._node.create_client(Trigger, f"hand_eye/{service}")
        if not client.wait_for_service(_PATIENCE_S):
            raise TourFailed(f"no service hand_eye/{service}")
        future = client.call_async(Trigger.Request())
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=_PATIENCE_S)
        self._node.destroy_client(client)
        if not future.done():
            raise TourFailed(f"hand_eye/{service} did not answer")
        return future.result()

    def _say(self, text):
        print(f"handeye: {text}", flush=True)


def main():
    """Entry point: 0 if the twin's pose of the camera was found again."""
    rclpy.init()
    try:
        print(f"handeye: found {Tour(rclpy.create_node('hand_eye_tour')).run()}", flush=True)
        return 0
    except (KeyboardInterrupt, ExternalShutdownException):
        return 130
    except (TourFailed, ValueError, OSError) as reason:
        print(f"handeye: failed {reason}", flush=True)
        return 1
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
