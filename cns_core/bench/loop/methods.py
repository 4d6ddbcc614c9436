"""Builds the servo of an episode: controller and observer by name, through the public interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cns_core import VisualServo
from cns_core.bench.loop.environments import MATCH_TOLERANCE, Environment, ImageEnvironment
from cns_core.bench.loop.essential_pbvs import EssentialPbvsController
from cns_core.bench.loop.odometry import Odometry
from cns_core.bench.loop.oracle import OracleObserver
from cns_core.control.controller import Controller
from cns_core.control.factory import make_controller, make_stop_rule
from cns_core.control.pbvs import PbvsController
from cns_core.control.regulator import Regulator, Step
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import OBSERVERS as NAMES
from cns_core.observers import Observer, make_observer
from cns_core.observers.verification import verify
from cns_core.servo import STRUCTURE_SMOOTH_PX

CONTROLLERS = ("cns", "cns-structure", "cns-policy", "ibvs", "pbvs-truth", "pbvs-essential")
OBSERVERS = (*(name + mode for name in NAMES for mode in ("", "-tracked")), "truth")

STRUCTURE = "cns-structure"
"""The method that is told what the arm measures of the camera's pose."""

if TYPE_CHECKING:
    # The simulator brings in PyTorch, which rendered classical episodes do without.
    from cns_core.bench.loop.points import PointsEnvironment


def build_controller(name: str, environment: Environment, weights: str | None = None) -> Controller:
    """A controller for one episode.

    Args:
        name: one of ``CONTROLLERS``; ``cns`` is what the library serves, corrected near the goal,
            ``cns-structure`` the same before structure takes over, ``cns-policy`` the network
            alone.
        weights: path of CNS weights, None for the shipped ones.

    Raises:
        ValueError: for an unknown name.
    """
    if name in ("cns", "ibvs"):
        return make_controller(name, weights)
    if name == STRUCTURE:
        return make_controller("cns", weights, terminal="structure")
    if name == "cns-policy":
        from cns_core.control.cns import CnsController

        return CnsController(weights, terminal="none")
    if name == "pbvs-truth":
        return PbvsController(
            lambda: se3.inverse(environment.T_goal) @ environment.T, environment.depth_prior_m
        )
    if name == "pbvs-essential":
        return EssentialPbvsController(
            lambda: 1e-3 * environment.translation_error_mm, environment.depth_prior_m
        )
    raise ValueError(f"controller must be one of {CONTROLLERS}, got {name!r}")


class ImageServo:
    """A :class:`cns_core.VisualServo` watching an :class:`ImageEnvironment`.

    Args:
        odometry: what measures the camera's pose; None for a servo that does without structure.
    """

    def __init__(
        self,
        environment: ImageEnvironment,
        observer: str,
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
            observer=_build_observer(observer, environment, verified, smooth_px),
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
        pose = None
        if self._odometry is not None:
            pose = self._odometry.measure(environment.T_assumed, environment.time_s)
        return self._servo.step(image, environment.time_s, pose), image

    @property
    def motion(self) -> np.ndarray | None:
        """(6,) way to the goal as structure tells it, see :class:`.Estimate`; None if unknown."""
        guide = self._servo.regulator.guide
        return None if guide is None or guide.estimate is None else guide.estimate.motion

    def close(self) -> None:
        """Stop the observer's background work."""
        self._servo.close()


def _build_observer(
    name: str, environment: ImageEnvironment, verified: bool, smooth_px: float
) -> Observer:
    if name == "truth":
        return OracleObserver(environment)
    if name not in OBSERVERS:
        raise ValueError(f"observer must be one of {OBSERVERS}, got {name!r}")
    backend, _, tracking = name.partition("-")
    # Matching in the same thread: what a frame sees must not depend on how fast the machine is.
    return make_observer(
        backend,
        environment.assumed_camera,
        verify=verified,
        tracking=bool(tracking),
        background=False,
        smooth_px=smooth_px,
    )


class PointsServo:
    """The same loop on a :class:`PointsEnvironment`, which has no images."""

    def __init__(
        self, environment: PointsEnvironment, controller: Controller, verified: bool, stop: str
    ) -> None:
        self._environment = environment
        self._verified = verified
        self._regulator = Regulator(controller, make_stop_rule(stop))
        self._regulator.start(environment.desired, environment.depth_prior_m)

    motion = None

    def step(self) -> tuple[Step, None]:
        """(step, None) of the environment's present."""
        seen = self._environment.correspondence()
        if self._verified:
            seen = _verified(seen)
        return self._regulator.step(seen, self._environment.time_s), None

    def close(self) -> None:
        """Nothing to release."""


def _verified(seen: Correspondence) -> Correspondence:
    matched = seen.matched.copy()
    matched[matched] = verify(seen.desired[matched], seen.current[matched], MATCH_TOLERANCE)
    return Correspondence(seen.desired, seen.current, matched)
