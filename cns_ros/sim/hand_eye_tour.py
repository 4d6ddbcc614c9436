"""Tour node of ``cns-handeye --sim``: takes the twin from view to view, and calibrates.

It does what a person does: jogs the arm on its pendant, calls ``capture`` at each view until there
are fifteen, then ``solve``. The true pose serves for the closing line only.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from std_srvs.srv import Trigger

from cns_core.arm.hand_eye import HandEye
from cns_core.geometry import se3
from cns_core.settings import check, setting
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.workcell import Workcell
from cns_ros.bringup.servo_options import SEEDS, SIMULATED_ROBOT_IP
from cns_ros.nodes.hand_eye_settings import HandEyeSettings
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.participation import Participation
from cns_ros.ros.trigger_client import TriggerClient
from cns_ros.sim.twin import load_hand_eye

_VIEWS = 15
_JOG_RAD_S = 1.5
_PATIENCE_S = 30.0
_AGAIN_S = 0.1
# What the figure of fifteen views has to be, far above what it is without a fault.
_WORST_DEG, _WORST_MM = 0.05, 0.5


@dataclass(frozen=True)
class TourSettings:
    """Parameters of the ``hand_eye_tour`` node."""

    seed: int = setting(0, "the twin's seed", range=SEEDS)
    host: str = setting(SIMULATED_ROBOT_IP, "the twin's address")
    hand_eye_file: str = setting("", "as the twin's")
    file: str = setting(HandEyeSettings.file, "the file written")

    def __post_init__(self) -> None:
        check(self)


class TourFailed(Exception):
    """Why there is no calibration."""


class Tour:
    """Fifteen views and the solution, by a node of its own."""

    def __init__(self, part: Participation) -> None:
        node = part.add(rclpy.create_node("hand_eye_tour"))
        self._triggers = TriggerClient(node, part.executor)
        self._settings = declare_all(node, TourSettings)
        self._truth = load_hand_eye(self._settings.hand_eye_file).T_flange_camera
        self._poses = Workcell(self._settings.seed, self._truth, board=True).views()

    def run(self) -> str:
        """Do it all; returns the closing line.

        Raises:
            TourFailed: naming what went wrong.
        """
        captured = int(self._capture())
        with Pendant(self._settings.host) as pendant:
            while captured < _VIEWS:
                pendant.move_joints(next(self._poses), speed_rad_s=_JOG_RAD_S)
                captured += self._capture()
        answer = self._call("solve")
        self._say(answer.message)
        if not answer.success:
            raise TourFailed(answer.message)
        found = HandEye.load(Path(self._settings.file).expanduser()).T_flange_camera
        degrees = se3.rotation_error_deg(found, self._truth)
        millimetres = 1e3 * se3.translation_error_m(found, self._truth)
        result = f"rotation_error_deg={degrees:.4f} translation_error_mm={millimetres:.4f}"
        if degrees > _WORST_DEG or millimetres > _WORST_MM:
            raise TourFailed(result)
        return result

    def _capture(self) -> bool:
        """Whether this view could be taken, once the arm and the graph have settled."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._call("capture")
            if answer.success or "corners" in answer.message:
                self._say(answer.message)
                return answer.success
            if time.monotonic() > end:
                raise TourFailed(f"capture refused: {answer.message}")
            time.sleep(_AGAIN_S)

    def _call(self, service: str) -> Trigger.Response:
        return self._triggers.call(f"hand_eye/{service}", _PATIENCE_S)

    def _say(self, text: str) -> None:
        print(f"handeye: {text}", flush=True)


def main() -> int:
    """Entry point: 0 if the twin's pose of the camera was found again."""
    try:
        with Participation() as part:
            print(f"handeye: found {Tour(part).run()}", flush=True)
        return 0
    except (KeyboardInterrupt, ExternalShutdownException):
        return 130
    except (TourFailed, ValueError, OSError) as reason:
        print(f"handeye: failed {reason}", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
