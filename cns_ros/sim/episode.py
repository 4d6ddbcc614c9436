"""Episode node: what a user does with the twin, from the desired image to the report.

Sets the desired image, jogs the arm away on its pendant, has it servoed back, watches until the
end, and writes what happened. Ground truth serves for measuring only.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.workcell import Workcell
from cns_ros.bringup.node_set import has_interfaces
from cns_ros.ros.participation import Participation
from cns_ros.sim.episode_recording import EpisodeRecording
from cns_ros.sim.episode_report import (
    result_of,
    verdict_in_words,
    verdict_of,
    words,
    write_report,
)
from cns_ros.sim.episode_watch import EpisodeWatch
from cns_ros.sim.image_age import stages_in_words, stages_ms, yardstick_ms
from cns_ros.sim.twin import load_hand_eye

_PROGRESS_S = 0.5
_JOG_RAD_S = 0.8
_ANSWER_S = 20.0
_ATTEMPTS = 20
_NICENESS = 10  # who watches must not make late what is watched


class EpisodeFailed(Exception):
    """Why the episode did not reach its goal."""


class Episode:
    """One episode against a running graph.

    Args:
        watch: spinning in another thread.
    """

    def __init__(self, watch: EpisodeWatch) -> None:
        self._watch = watch
        hand_eye = load_hand_eye(watch.settings.hand_eye_file)
        workcell = Workcell(watch.settings.seed, hand_eye.T_flange_camera)
        self._q_desired, self._q_start = workcell.episode()
        self._goal = workcell.camera_pose(self._q_desired)

    def run(self) -> str:
        """Run it to the end and return the closing line.

        Raises:
            EpisodeFailed: naming the step that failed and why.
        """
        watch, timeout_s = self._watch, self._watch.settings.timeout_s
        watch.wait_for("an image", lambda: watch.image, timeout_s)
        self._call("observer/set_desired")
        desired_image = watch.wait_for("an image", lambda: watch.image, timeout_s)
        self._jog_away()
        servo = self._by_action if has_interfaces() else self._by_services
        recording, failure = servo(timeout_s)
        return self._report(recording, failure, desired_image)

    def _by_action(self, timeout_s: float) -> tuple[EpisodeRecording, str]:
        """Servo as a user does: the recording, and why it failed, empty if it did not."""
        from cns_ros.sim.servo_client import ServoClient

        client, recording = ServoClient(self._watch), self._watch.begin(self._goal, patient=True)
        client.send(arm=True, timeout=timeout_s)
        while (outcome := client.wait(_PROGRESS_S)) is None:
            _say(self._watch.progress())
        _say(f"supervisor/servo: {outcome.verdict}")
        return recording, "" if outcome.reached else outcome.verdict

    def _by_services(self, timeout_s: float) -> tuple[EpisodeRecording, str]:
        """The same by the services that the action goes through, where it is not installed."""
        watch = self._watch
        self._call("controller/start")
        recording = watch.begin(self._goal)
        self._call("ur_driver/arm")
        self._watch_until_done(timeout_s)
        converged, why = watch.status == "converged", watch.cause or watch.progress()
        self._call("ur_driver/disarm")
        return recording, "" if converged else f"{watch.status}: {why}"

    def _call(self, service: str) -> None:
        """Call a Trigger service, again while it names a reason that passes by itself."""
        refusal = ""
        for _ in range(_ATTEMPTS):
            answer = self._watch.triggers.call(service, _ANSWER_S)
            if answer.success:
                _say(f"{service}: {answer.message}")
                return
            refusal = answer.message
            time.sleep(0.5)
        raise EpisodeFailed(f"{service} refused: {refusal}")

    def _jog_away(self) -> None:
        _say("jogging the arm away from the desired pose")
        with Pendant(self._watch.settings.host) as pendant:
            pendant.move_joints(self._q_start, speed_rad_s=_JOG_RAD_S)

    def _watch_until_done(self, timeout_s: float) -> None:
        watch, end_s = self._watch, time.monotonic() + timeout_s
        while not watch.done.wait(_PROGRESS_S):
            if time.monotonic() > end_s:
                raise EpisodeFailed(f"not there after {timeout_s:.0f} s, {watch.progress()}")
            _say(watch.progress())
        _say(watch.progress())

    def _report(self, recording: EpisodeRecording, failure: str, desired_image: np.ndarray) -> str:
        watch, status = self._watch, self._watch.status if failure else "converged"
        if not recording.log.steps:
            reason = failure or watch.cause or "no reason"
            raise EpisodeFailed(f"{status} before the first twist: {reason}")
        result = result_of(recording, watch.end(), watch.command_rate_hz)
        recording.log.settings = {
            "seed": watch.settings.seed,
            "q_desired_rad": self._q_desired.tolist(),
            "q_start_rad": self._q_start.tolist(),
        }
        folder = Path(watch.settings.out)
        stages, sift_ms = stages_ms(watch.diagnosed), yardstick_ms(desired_image)
        kept = {"status": status, **result, **verdict_of(watch.told)}
        kept |= {"image_stages_ms_p50": stages, "sift_ms": sift_ms}
        figures = write_report(folder, recording, kept, desired_image)
        _say(words({k: v for k, v in figures.items() if k.startswith("image")}, digits=3))
        _say(stages_in_words(stages, sift_ms))
        _say(f"wrote {folder}/")
        _say(verdict_in_words(watch.told, result))
        if failure:
            raise EpisodeFailed(failure)
        return f"servo: converged {words(result, digits=4)}"


def _say(text: str) -> None:
    print(f"episode: {text}", flush=True)


def main() -> int:
    """Entry point of the ``episode`` executable: 0 if the episode converged."""
    os.nice(_NICENESS)
    try:
        with Participation() as part:
            watch = part.add(EpisodeWatch())
            part.spin_beside()
            print(Episode(watch).run(), flush=True)
        return 0
    except KeyboardInterrupt:
        return 130
    except (EpisodeFailed, ValueError, OSError, TimeoutError) as reason:
        print(f"servo: failed {reason}", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
