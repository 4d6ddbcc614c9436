"""Builds the servo of an episode: a method and an observer through the public interface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cns_core import VisualServo
from cns_core.bench.loop.environments import (
    CAMERA,
    MATCH_TOLERANCE,
    Environment,
    ImageEnvironment,
)
from cns_core.bench.loop.odometry import Odometry
from cns_core.bench.loop.plan import is_own_file
from cns_core.bench.methods.built_in import built_in_method
from cns_core.bench.methods.method import Method, Situation
from cns_core.bench.methods.observers_by_name import build_observer
from cns_core.bench.methods.own_file import own_method
from cns_core.control.controller import Controller
from cns_core.control.factory import make_stop_rule
from cns_core.control.guide import make_guide
from cns_core.control.regulator import Regulator, Step
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import Observer
from cns_core.observers.verification import verify
from cns_core.servo import STRUCTURE_SMOOTH_PX

if TYPE_CHECKING:
    # The simulator brings in PyTorch, which rendered classical episodes do without.
    from cns_core.bench.loop.points import PointsEnvironment


def build_method(
    name: str,
    environment: Environment,
    period_s: float,
    verified: bool = True,
    weights: str | None = None,
) -> Method:
    """The method of a name, or of the Python file of that path, for one episode.

    Args:
        weights: path of CNS weights, None for the shipped ones.

    Raises:
        ValueError: for an unknown name, or a file that holds no method.
    """
    camera = getattr(environment, "assumed_camera", CAMERA)
    situation = Situation(camera, environment.depth_prior_m, period_s, verified, environment)
    if is_own_file(name):
        return own_method(name, situation)
    return built_in_method(name, situation, weights)


class ImageServo:
    """A :class:`cns_core.VisualServo` watching an :class:`ImageEnvironment`.

    Args:
        observer: its name, or an observer of the method's own.
        odometry: what measures the camera's pose; None for a servo that does without structure.
    """

    def __init__(
        self,
        environment: ImageEnvironment,
        observer: str | Observer,
        controller: Controller,
        verified: bool,
        stop: str,
        odometry: Odometry | None = None,
    ) -> None:
        self._environment = environment
        self._odometry = odometry
        self._blind = observer == "truth"
        smooth_px = 0.0 if odometry is None else STRUCTURE_SMOOTH_PX
        self._servo = VisualServo(
            environment.assumed_camera,
            observer=build_observer(observer, environment, verified, smooth_px)
            if isinstance(observer, str)
            else observer,
            controller=controller,
            stop=stop,
            terminal="ibvs" if odometry is None else "structure",
        )
        untold = odometry is not None and environment.conditions.prior_factor is None
        self._servo.set_desired(
            environment.desired_image, "auto" if untold else environment.depth_prior_m
        )

    def step(self) -> tuple[Step, np.ndarray | None]:
        """(step, image or None) of the environment's present."""
        environment = self._environment
        image = None if self._blind else environment.image()
        pose = None if self._odometry is None else _measured(self._odometry, environment)
        return self._servo.step(image, environment.time_s, pose), image

    @property
    def motion(self) -> np.ndarray | None:
        """(6,) way to the goal as structure tells it, see :class:`.Estimate`; None if unknown."""
        return _way(self._servo.regulator)

    def close(self) -> None:
        """Stop the observer's background work."""
        self._servo.close()


class PointsServo:
    """The same loop on a :class:`PointsEnvironment`, which has no images.

    Args:
        odometry: as of :class:`ImageServo`.
    """

    def __init__(
        self,
        environment: PointsEnvironment,
        controller: Controller,
        verified: bool,
        stop: str,
        odometry: Odometry | None = None,
    ) -> None:
        self._environment = environment
        self._odometry = odometry
        self._verified = verified
        guide = None if odometry is None else make_guide()
        self._regulator = Regulator(controller, make_stop_rule(stop), guide=guide)
        self._regulator.start(environment.desired, environment.depth_prior_m)

    @property
    def motion(self) -> np.ndarray | None:
        """(6,) way to the goal as structure tells it; None if unknown."""
        return _way(self._regulator)

    def step(self) -> tuple[Step, None]:
        """(step, None) of the environment's present."""
        environment = self._environment
        seen = environment.correspondence()
        if self._verified:
            seen = _verified(seen)
        pose = None if self._odometry is None else _measured(self._odometry, environment)
        return self._regulator.step(seen, environment.time_s, pose), None

    def close(self) -> None:
        """Nothing to release."""


def _measured(odometry: Odometry, environment: Environment) -> np.ndarray:
    """(4, 4) the camera's pose as the arm tells it now."""
    return odometry.measure(environment.T_assumed, environment.time_s)


def _way(regulator: Regulator) -> np.ndarray | None:
    """(6,) way to the goal as structure tells it, see :class:`.Estimate`; None if unknown."""
    guide = regulator.guide
    return None if guide is None or guide.estimate is None else guide.estimate.motion


def _verified(seen: Correspondence) -> Correspondence:
    matched = seen.matched.copy()
    matched[matched] = verify(seen.desired[matched], seen.current[matched], MATCH_TOLERANCE)
    return replace(seen, matched=matched)
