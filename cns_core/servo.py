"""The library's front door: images in, camera twists out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from cns_core.control.controller import Controller
from cns_core.control.depth_prior import AUTO, Prior
from cns_core.control.factory import TERMINALS, make_controller, make_stop_rule
from cns_core.control.guide import make_guide
from cns_core.control.regulator import Regulator, Step
from cns_core.control.stop_rule import StopRule
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.depth_image import DepthImage
from cns_core.observers import make_observer
from cns_core.observers.base import Observer

STRUCTURE_SMOOTH_PX = 1.0
"""Smoothing with which keypoints answer a motion in full, as a measured way must be able to trust.
"""


class VisualServo:
    """Drive a camera back to where a picture was taken.

    Args:
        camera: :class:`cns_core.PinholeCamera` of all images.
        observer: ``'sift'``, ``'akaze'``, ``'orb'`` or a learned one, see
            :func:`~cns_core.observers.make_observer`, or an observer object.
        controller: ``'cns'``, ``'ibvs'``, or a :class:`~cns_core.control.controller.Controller`.
        verify: reject matches that no rigid camera motion explains.
        tracking: follow keypoints between matchings and refine them to sub-pixel.
        weights: path of CNS weights, ours or the authors' state dict; None for the ones shipped.
        terminal: of the CNS controller: ``'ibvs'`` lets the interaction matrix correct the policy
            near the goal, ``'none'`` does not. ``'structure'``, of any controller, takes the
            straight way as soon as the camera's own motion has told where the goal is.
        stop: stop rule, by name or object, see :func:`cns_core.control.factory.make_stop_rule`.
        gain: factor on the twist; the paper's loop is gain 1 at 0.04 s.
        delay_s: from the time of an image to the motion that obeys its answer; for ``'structure'``.

    Example:
        >>> servo = VisualServo(camera, observer="sift", controller="cns")
        >>> servo.set_desired(desired_image)
        >>> step = servo.step(current_image, time=t_seconds)
        >>> move_camera(step.twist)  # until step.status == "converged"
    """

    def __init__(
        self,
        camera: PinholeCamera,
        observer: str | Observer = "sift",
        controller: str | Controller = "cns",
        *,
        verify: bool = True,
        tracking: bool = True,
        weights: str | Path | None = None,
        terminal: str = "ibvs",
        stop: str | StopRule = "default",
        gain: float = 1.0,
        delay_s: float = 0.08,
    ) -> None:
        if terminal not in TERMINALS:
            raise ValueError(f"terminal must be one of {TERMINALS}, got {terminal!r}")
        self.camera = camera
        self.observer: Observer = (
            make_observer(
                observer,
                camera,
                verify=verify,
                tracking=tracking,
                smooth_px=STRUCTURE_SMOOTH_PX if terminal == "structure" else 0.0,
            )
            if isinstance(observer, str)
            else observer
        )
        self._camera = camera
        self._left_out = np.zeros(0, dtype=bool)
        self.regulator = Regulator(
            make_controller(controller, weights=weights, terminal=terminal),
            make_stop_rule(stop),
            gain=gain,
            guide=make_guide(camera.focal, delay_s) if terminal == "structure" else None,
        )

    def set_desired(
        self,
        image: NDArray[np.uint8],
        depth_prior: Prior = AUTO,
        depth_image: NDArray[np.generic] | None = None,
    ) -> None:
        """Make the (H, W, 3) BGR or (H, W) grey uint8 ``image`` the goal of a new episode.

        Args:
            depth_prior: metres from the desired camera to the scene centre, or ``'auto'``: the
                depth image's, or else a guess, by which the camera moves slowly. With
                ``'structure'`` either serves until the camera's motion has told the distance.
            depth_image: (H, W) of the same view, uint16 in mm or floating-point in m; holes are 0
                or not finite. Of no account beside a number.

        Raises:
            ValueError: for an image of another size, one with too few keypoints, a prior <= 0, or a
                depth image that is none or shows too few of the keypoints.
        """
        # First, so that what is no depth image of this camera changes nothing.
        depth = None if depth_image is None else DepthImage(depth_image, self._camera)
        self.observer.set_desired(image)
        desired = self.observer.desired
        if desired is None:
            raise RuntimeError("the observer took the image but holds no desired keypoints")
        self._left_out = np.zeros(len(desired), dtype=bool)
        depth_m = None if depth is None else depth.distance(desired)
        self.regulator.start(desired, depth_prior, depth_m)

    def step(
        self,
        image: NDArray[np.uint8],
        time: float | None = None,
        camera_pose: NDArray[np.float64] | None = None,
    ) -> Step:
        """Answer one camera image with a :class:`~cns_core.control.regulator.Step`.

        Args:
            image: as in :meth:`set_desired`.
            time: when it was taken, in s on any monotonic clock; None for now.
            camera_pose: (4, 4) pose of the camera at that time, in any fixed frame, in m, as the
                arm measures it; ``'structure'`` goes by the twists given where it is None.

        Raises:
            RuntimeError: before :meth:`set_desired`.
            ValueError: for an image of another size or type.
        """
        before = perf_counter()
        correspondence = self.observer.observe(image)
        observe_s = perf_counter() - before
        step = self.regulator.step(correspondence, before if time is None else time, camera_pose)
        if not np.array_equal(step.left_out, self._left_out):
            self._left_out = step.left_out
            self.observer.leave_out(step.left_out)
        return replace(step, timings={**step.timings, "observe": observe_s})

    def close(self) -> None:
        """Stop the observer's background work."""
        self.observer.close()

    def __enter__(self) -> VisualServo:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
