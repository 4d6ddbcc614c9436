"""Episode node: what a user does with the twin, from the desired image to the report.

Sets the desired image, jogs the arm away on its pendant, starts the controller, arms the driver,
watches until the end, and writes what happened. Ground truth serves for measuring only.
"""

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from cns_core.geometry import se3
from cns_core.record.episode_figures import draw_episode
from cns_core.record.episode_log import EpisodeLog
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.workcell import CAMERA, Workcell
from cns_ros.sim.episode_watch import EpisodeWatch
from cns_ros.sim.twin import load_hand_eye

_PROGRESS_S = 0.5
_JOG_RAD_S = 0.8
_NICENESS = 10  # who watches must not make late what is watched


class EpisodeFailed(Exception):
    """Why the episode did not reach its goal."""


class Episode:
    """One episode against a running graph.

    Args:
        watch: the :class:`.EpisodeWatch` node, spinning in another thread.
    """

    def __init__(self, watch):
        self._watch = watch
        hand_eye = load_hand_eye(watch.setting("hand_eye_file"))
        workcell = Workcell(watch.setting("seed"), hand_eye.T_flange_camera)
        q_desired, self._q_start = workcell.episode()
        self._goal = workcell.camera_pose(q_desired)
        watch.log.settings = {
            "seed": watch.setting("seed"),
            "q_desired_rad": q_desired.tolist(),
            "q_start_rad": self._q_start.tolist(),
        }

    def run(self):
        """Run it to the end and return the closing line.

        Raises:
            EpisodeFailed: naming the step that failed and why.
        """
        watch, timeout_s = self._watch, self._watch.setting("timeout")
        watch.wait_for("an image", lambda: watch.image is not None, timeout_s)
        self._call("observer/set_desired")
        desired_image = watch.image
        self._jog_away()
        self._call("controller/start")
        watch.begin(self._goal)
        self._call("ur_driver/arm")
        self._watch_until_done(timeout_s)
        status = watch.status
        self._call("ur_driver/disarm")
        return self._report(status, desired_image)

    def _call(self, service):
        """Call a Trigger service, again while it names a reason that passes by itself."""
        answer = None
        for _ in range(20):
            answer = self._watch.call(service, timeout_s=20.0)
            if answer.success:
                self._say(f"{service}: {answer.message}")
                return
            time.sleep(0.5)
        raise EpisodeFailed(f"{service} refused: {answer.message}")

    def _jog_away(self):
        self._say("jogging the arm away from the desired pose")
        with Pendant(self._watch.setting("host")) as pendant:
            pendant.move_joints(self._q_start, speed_rad_s=_JOG_RAD_S)

    def _watch_until_done(self, timeout_s):
        watch, end_s = self._watch, time.monotonic() + timeout_s
        while not watch.done.wait(_PROGRESS_S):
            if time.monotonic() > end_s:
                raise EpisodeFailed(f"not there after {timeout_s:.0f} s, {watch.progress()}")
            self._say(watch.progress())
        self._say(watch.progress())

    def _report(self, status, desired_image):
        watch = self._watch
        watch.end()
        T = watch.newest_pose()
        result = {
            "status": status,
            "rotation_error_deg": se3.rotation_error_deg(self._goal, T),
            "translation_error_mm": 1e3 * se3.translation_error_m(self._goal, T),
            "steps": len(watch.log.samples),
            "rate_hz": watch.command_rate_hz,
        }
        folder = Path(watch.setting("out"))
        figures = watch.log.save(folder, result)
        self._say(" ".join(f"{k}={v:.3g}" for k, v in figures.items() if k.startswith("image")))
        poses = np.stack([*watch.poses, self._goal])
        draw_episode(folder, watch.log, CAMERA, watch.frames, desired_image, poses)
        self._say(f"wrote {folder}/")
        if status != "converged":
            raise EpisodeFailed(f"{status}: {watch.cause or watch.progress()}")
        figures = " ".join(f"{k}={v:.4g}" for k, v in result.items() if k != "status")
        return f"servo: converged {figures}"

    def _say(self, text):
        print(f"episode: {text}", flush=True)


def main():
    """Entry point of the ``episode`` executable: 0 if the episode converged."""
    os.nice(_NICENESS)
    rclpy.init()
    watch = EpisodeWatch(EpisodeLog())
    executor = SingleThreadedExecutor()
    executor.add_node(watch)
    spinning = threading.Thread(target=_spin, args=(executor,), daemon=True)
    spinning.start()
    try:
        print(Episode(watch).run(), flush=True)
        return 0
    except KeyboardInterrupt:
        return 130
    except (EpisodeFailed, ValueError, OSError, TimeoutError) as reason:
        print(f"servo: failed {reason}", flush=True)
        return 1
    finally:
        rclpy.try_shutdown()
        spinning.join(2.0)


def _spin(executor):
    with contextlib.suppress(ExternalShutdownException):
        executor.spin()


if __name__ == "__main__":
    sys.exit(main())
