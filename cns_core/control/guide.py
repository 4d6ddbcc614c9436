"""Beside a controller: its twist made metric by what the camera's own motion tells."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from cns_core.control.structure_law import StructureLaw, StructureLawSettings
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.twist import saturate
from cns_core.structure.commands import Commands
from cns_core.structure.delay import DelayMeter
from cns_core.structure.estimate import Estimate
from cns_core.structure.estimator import StructureEstimator
from cns_core.structure.odometry import TwistOdometry
from cns_core.structure.pose_errors import PoseErrors
from cns_core.structure.settings import StructureSettings

TYPICAL_FOCAL = 600.0
"""In pixels. The noise adapts to what is seen, so that its first guess need not be good."""

_SCALE_SHARE = 0.2
_REPEATED, _EVERY = 20, 3
"""Frames of which a map is begun anew, and which of them: a millisecond each, and what lies between
two views tells little more."""
_BRIDGED_S = 0.4
"""How long a pose may be missing before the twists given take its place."""
PREDICTED_S = 0.4
"""How long the camera goes on towards where the goal was last known to be, ever slower."""
_NOISE_PX, _NOISE_PER_CHANGE_PX = 0.03, 0.1


@dataclass(frozen=True)
class Remaining:
    """The way left to the goal, measured.

    Attributes:
        translation_mm, rotation_deg: length of the way and angle between the two cameras.
        translation_bound_mm, rotation_bound_deg: what the errors of the way and of the angle stay
            below with 95 % probability, as far as the odometry and the intrinsics are right.
        time_s: when the last image was taken that came with a pose, -inf where none did. In others
            the way is as old, or goes by the twists given, which an arm need not have obeyed.
    """

    translation_mm: float
    rotation_deg: float
    translation_bound_mm: float
    rotation_bound_deg: float
    time_s: float

    @staticmethod
    def of(estimate: Estimate, time_s: float) -> Remaining:
        """The same in the units of people."""
        return Remaining(
            1e3 * estimate.translation_m,
            float(np.degrees(estimate.rotation_rad)),
            1e3 * estimate.translation_bound_m(),
            float(np.degrees(estimate.rotation_bound_rad())),
            time_s,
        )


class StructureGuide:
    """Estimates structure from the camera's motion and guides a controller by it.

    Attributes:
        estimate: the last :class:`Estimate`, None while there is none.
        law: the :class:`StructureLaw`.
        errors: the :class:`.PoseErrors` of the poses told in this episode.

    Args:
        structure, law: settings of the estimate and the law.
        delay_s: from the time of an image to the motion that obeys its answer. Where poses are
            measured it is measured too, and the longer one counts; without measured poses the
            twists given are integrated this much later.

    Raises:
        ValueError: unless ``delay_s`` is finite and not negative.
    """

    def __init__(
        self,
        structure: StructureSettings | None = None,
        law: StructureLawSettings | None = None,
        delay_s: float = 0.08,
    ) -> None:
        self.estimate: Estimate | None = None
        self.law = StructureLaw(law, delay_s)
        self._estimator = StructureEstimator(structure)
        self._delay_s = delay_s
        self._begin()

    @property
    def scale(self) -> float | None:
        """Distance from the desired camera to the scene, m; None while it is too vague."""
        if self.estimate is None:
            return None
        known = self.estimate.scale_deviation < _SCALE_SHARE * self.estimate.scale
        return self.estimate.scale if known else None

    @property
    def remaining(self) -> Remaining | None:
        """The way left as far as it is known."""
        return None if self.estimate is None else Remaining.of(self.estimate, self._measured_s)

    @property
    def points(self) -> np.ndarray:
        """(M, 3) m, the keypoints whose place is known, in the current camera's frame."""
        return self._estimator.points

    def start(self, desired: np.ndarray) -> None:
        """Begin an episode towards (N, 2) desired keypoints, normalized plane."""
        self.estimate = None
        self._estimator.start(desired)
        self._begin()
        self.law.start()

    def _begin(self) -> None:
        self._odometry = TwistOdometry(self._delay_s)
        self._commands = Commands()
        self._meter = DelayMeter(self._commands)
        self.errors = PoseErrors()
        self._frames: deque[tuple[float, Correspondence]] = deque(maxlen=_REPEATED)
        self._measured: bool | None = None
        self._measured_s = self._estimate_s = -np.inf
        self._known: tuple[Estimate, float] | None = None

    def observe(
        self, seen: Correspondence, time_s: float, camera_pose: np.ndarray | None = None
    ) -> None:
        """Take one frame.

        Args:
            camera_pose: (4, 4) T_odom_camera when the image was taken; None to go by the twists
                given. A change between the two begins anew, their frames differ; but a pose that
                is missing for a moment only leaves the estimate as old as it is.
        """
        given = self._odometry.at(time_s)
        measured = camera_pose is not None
        if not measured and time_s - self._measured_s < _BRIDGED_S:
            return
        if self._measured is not None and measured != self._measured:
            self._estimator.forget()
        self._measured, self._estimate_s = measured, time_s
        if measured:
            self._measured_s = time_s
        if camera_pose is not None:
            given = self._timely(se3.rigid(camera_pose), time_s, seen)
            self._meter.measure(time_s, given)
            self.law.delay_s = max(self._delay_s, self._meter.delay_s or 0.0)
        self.estimate = self._estimator.update(seen, given)
        if self.estimate is not None:
            self._known = self.estimate, time_s

    def _timely(self, pose: np.ndarray, time_s: float, seen: Correspondence) -> np.ndarray:
        """The pose at the time of the image, should poses be told late or early."""
        before = self.errors.mounting
        corrected = self.errors.correct(time_s, pose, seen)
        if self.errors.mounting is not before:
            self._begin_map_anew()
        self._frames.append((time_s, seen))
        return corrected

    def _begin_map_anew(self) -> None:
        """A map made of poses that were wrong has a wrong scale: the last frames once more."""
        self._estimator.forget()
        self.law.doubt()
        for time_s, seen in list(self._frames)[::-_EVERY][::-1]:
            self._estimator.learn(seen, self.errors.pose(time_s))

    def twist(self, policy: np.ndarray, time_s: float, cautious: bool = False) -> np.ndarray:
        """(6,) twist that answers the frame observed last, taken at ``time_s``.

        It is obeyed a delay later, so it answers what will be left by then (a Smith predictor).

        Args:
            policy, cautious: as of :meth:`.StructureLaw.twist`.
        """
        ahead = None
        if self.estimate is not None:
            ahead = self._ahead(self.estimate, self._estimate_s, time_s)
        return self._as_told(self.law.twist(policy, ahead, cautious, time_s == self._estimate_s))

    def predicted(self, time_s: float) -> np.ndarray | None:
        """(6,) twist towards where the goal was last known to be, for an image that shows nothing.

        None where the way was not wholly this law's, or was known longer ago than `PREDICTED_S`;
        from then on it has to be found anew.
        """
        known = self._known if self.law.share == 1.0 else None
        if known is None or time_s - known[1] >= PREDICTED_S:
            self.law.lose()
            return None
        estimate, known_s = known
        age_s = time_s - known_s
        ahead = self._ahead(estimate, known_s, time_s)
        return self._as_told((1.0 - age_s / PREDICTED_S) * self.law.direct(ahead))

    def _ahead(self, estimate: Estimate, known_s: float, time_s: float) -> Estimate:
        """What will be left of a way known at ``known_s`` once all twists so far are obeyed."""
        return estimate.after(self._commands.moved(known_s - self.law.delay_s, time_s))

    def _as_told(self, twist: np.ndarray) -> np.ndarray:
        """What to tell an arm that takes the camera to be mounted otherwise, within the limits."""
        told = se3.adjoint(self.errors.mounting) @ twist
        return saturate(told, *self.law.limits)

    def give(self, twist: np.ndarray, time_s: float) -> None:
        """Note the (6,) twist that answers the image of ``time_s``."""
        self._odometry.give(time_s, twist)
        self._commands.give(time_s, se3.adjoint(se3.inverse(self.errors.mounting)) @ twist)


def make_guide(focal: float = TYPICAL_FOCAL, delay_s: float = 0.08) -> StructureGuide:
    """A guide for keypoints that a tracking observer finds.

    Args:
        focal: of the camera, in pixels: what the keypoints' noise in the normalized plane is by.
        delay_s: as of :class:`StructureGuide`.
    """
    structure = StructureSettings(
        noise_floor=_NOISE_PX / focal, noise_per_change=_NOISE_PER_CHANGE_PX / focal
    )
    return StructureGuide(structure, delay_s=delay_s)
