"""What a servo session is given and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from cns_core.control.regulator import Step
from cns_core.control.status import Status
from cns_core.geometry.correspondence import Correspondence


class Level(Enum):
    """How bad a state is."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True)
class Now:
    """One moment on two clocks.

    Attributes:
        image_clock_s: on the clock that stamps the images, which may stand still or be set.
        steady_s: on one that does neither.
    """

    image_clock_s: float
    steady_s: float


@dataclass(frozen=True)
class Matches:
    """What the observer found in one image.

    Attributes:
        image_time_s: when the image was taken, on the images' clock.
        arrival_s: when the matches arrived, on the steady clock.
        camera_pose: (4, 4) measured pose of the camera at the image's time, in any fixed frame, in
            m; None where it is not known.
        depth_m: from the desired camera to the scene's centre, as a depth image tells it; None
            without one.
    """

    correspondence: Correspondence
    image_time_s: float
    arrival_s: float
    camera_pose: NDArray[np.float64] | None = None
    depth_m: float | None = None


@dataclass(frozen=True)
class Report:
    """What to say of the session."""

    status: Status
    cause: str
    level: Level


@dataclass(frozen=True)
class Output:
    """What to publish.

    Attributes:
        twist: (6,) for the camera, m/s and rad/s, within the limits; None to be silent.
        report: None where there is nothing new to say.
        step: the regulator's, if it made one.
    """

    twist: NDArray[np.float64] | None = None
    report: Report | None = None
    step: Step | None = None


SILENCE = Output()
