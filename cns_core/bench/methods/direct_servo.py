"""Closes the loop for a law that goes by whole images."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.bench.methods.method import DirectLaw
from cns_core.bench.methods.ssim_stop import SsimStop
from cns_core.control.regulator import Step, Timings
from cns_core.control.status import Status
from cns_core.geometry.correspondence import Correspondence

_NO_MATCHES = Correspondence(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=bool))


class DirectServo:
    """A :class:`DirectLaw` and its stop rule watching an :class:`ImageEnvironment`.

    Raises:
        ValueError: if the law refuses the desired image.
    """

    motion = None

    def __init__(self, environment: ImageEnvironment, law: DirectLaw) -> None:
        self._environment = environment
        self._law = law
        law.set_desired(environment.desired_image)
        self._stop = SsimStop(environment.desired_image)
        self._status = Status.SERVOING

    def step(self) -> tuple[Step, np.ndarray]:
        """(step, image) of the environment's present; the step's error is the images'."""
        environment = self._environment
        image = environment.image()
        before = perf_counter()
        if self._status is Status.SERVOING:
            self._status = self._stop.update(image)
        stopped = perf_counter()
        twist = np.zeros(6)
        if self._status is Status.SERVOING:
            scale = np.repeat([environment.depth_prior_m, 1.0], 3)
            twist = scale * self._law.velocity(image)
            if not np.isfinite(twist).all():
                raise ValueError(f"the law answered a twist that is not finite: {twist}")
        timings = Timings(observe=stopped - before, control=perf_counter() - stopped)
        return Step(twist, self._status, self._stop.error, timings, _NO_MATCHES), image

    def close(self) -> None:
        """Nothing to release."""
