"""What a run consists of: episodes, each described so that it can be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from cns_core.bench.loop.conditions import conditions_of
from cns_core.bench.loop.poses import AFFINE_SECTION, PHOTO_SECTIONS, SECTIONS

ENVIRONMENTS = {
    "points": SECTIONS,
    "affine": AFFINE_SECTION,
    "picture": {"T": AFFINE_SECTION["A"], "N": AFFINE_SECTION["A"]},
    "render": SECTIONS,
    "tabletop": SECTIONS,
    "poster": {"A": (0.0, 180.0)},
    "stereo": PHOTO_SECTIONS,
    "cards": PHOTO_SECTIONS,
}

Record = dict[str, Any]
"""What became of an episode, see :func:`.run_episode`: plain values, a line of JSON."""


RENDERERS = ("built-in", "mujoco")


END_TO_END = ("pose-cnn", "siamese")
"""Networks on images, named with the file of their weights: ``pose-cnn:FILE``."""


def is_own_file(controller: str) -> bool:
    """Whether it is the path of a file with a method of the user's."""
    return controller.endswith(".py")


def label(name: str) -> str:
    """What stands for a controller or observer in reports: of files, the stem alone."""
    kind, _, file = name.partition(":")
    if file:
        return f"{kind}-{Path(file).stem}"
    return Path(name).stem if is_own_file(name) else name


def is_direct(controller: str) -> bool:
    """Whether the built-in method of this name goes by whole images, without an observer."""
    named = controller.startswith("photometric") or is_end_to_end(controller)
    return named and not is_own_file(controller)


def is_end_to_end(controller: str) -> bool:
    """Whether it is one of ``END_TO_END`` with a file of weights."""
    return controller.partition(":")[0] in END_TO_END


def is_learned(controller: str) -> bool:
    """Whether a controller of this name has weights."""
    return controller.startswith("cns") and not is_own_file(controller)


@dataclass(frozen=True)
class Spec:
    """One episode. Equal specs give equal episodes, timings apart.

    Args:
        environment: key of ``ENVIRONMENTS``.
        section: ``S``, ``M`` or ``L`` by initial rotation, ``A`` for affine, ``T`` or ``N`` of
            ``picture``.
        index: of the scene within its section.
        controller: of :mod:`cns_core.bench.methods.built_in`, or the path of a file, see
            :mod:`cns_core.bench.methods.own_file`.
        observer: of :mod:`cns_core.bench.methods.observers_by_name`; ``points`` has none.
        weights: path of CNS weights; None for the shipped ones, or where there are none.
        verify: whether matches are verified geometrically.
        perturbation: see :func:`cns_core.bench.loop.conditions.conditions_of`.
        stop: stop rule.
        renderer: of ``RENDERERS``, what draws the images.
    """

    environment: str
    section: str
    index: int
    controller: str
    observer: str
    verify: bool = True
    perturbation: str = "none"
    weights: str | None = None
    stop: str = "default"
    renderer: str = "built-in"

    def __post_init__(self) -> None:
        if self.environment not in ENVIRONMENTS:
            raise ValueError(
                f"environment must be one of {sorted(ENVIRONMENTS)}, got {self.environment!r}"
            )
        conditions = conditions_of(self.perturbation)
        if self.renderer == "mujoco" and (conditions.occluder or conditions.distortion):
            raise ValueError(
                f"the mujoco renderer draws neither occluder nor distortion, as "
                f"{self.perturbation!r} has it: take the built-in one"
            )
        if self.renderer == "mujoco" and self.environment == "stereo":
            raise ValueError(
                "the mujoco renderer draws solids, and the stereo view has none: take the built-in"
            )
        if self.section not in ENVIRONMENTS[self.environment]:
            raise ValueError(f"{self.environment} has no section {self.section!r}")
        if self.renderer not in RENDERERS:
            raise ValueError(f"renderer must be one of {RENDERERS}, got {self.renderer!r}")

    @property
    def scene(self) -> str:
        """What two episodes on the same scene and poses share."""
        return f"{self.environment}-{self.section}{self.index:03d}"

    @property
    def key(self) -> str:
        """Identifies the episode within a run; fit for a file name."""
        weights = "" if self.weights is None else f"-{Path(self.weights).stem}"
        verify = "" if self.verify else "-unverified"
        stop = "" if self.stop == "default" else f"_{self.stop}"
        renderer = "" if self.renderer == "built-in" else f"_{self.renderer}"
        method = f"{label(self.controller)}{weights}_{label(self.observer)}{verify}"
        return f"{self.scene}_{method}_{self.perturbation}{stop}{renderer}"


@dataclass(frozen=True)
class Suite:
    """A cross product of environments, methods and perturbations.

    Args:
        scenes: of each section.
        first: index of the first of them; settings are chosen on other scenes than they are judged
            on.
        compares_weights: whether it takes every weights file asked for, or the first alone.
        others: as for :class:`Spec`, several each.
    """

    environments: tuple[str, ...]
    controllers: tuple[str, ...]
    observers: tuple[str, ...]
    verify: tuple[bool, ...] = (True,)
    perturbations: tuple[str, ...] = ("none",)
    weights: tuple[str | None, ...] = (None,)
    stop: str = "default"
    scenes: int = 50
    first: int = 0
    compares_weights: bool = True
    renderer: str = "built-in"

    def specs(self) -> Iterator[Spec]:
        """All :class:`Spec` of the suite, scene by scene so that a stopped run has whole scenes."""
        for index in range(self.first, self.first + self.scenes):
            for environment in self.environments:
                for section in ENVIRONMENTS[environment]:
                    yield from self._columns(environment, section, index)

    def _columns(self, environment: str, section: str, index: int) -> Iterator[Spec]:
        observers = ("none",) if environment == "points" else self.observers
        columns = product(observers, self.verify, self.perturbations, self.controllers)
        for observer, verify, perturbation, controller in columns:
            learned = is_learned(controller)
            if observer == "truth" and not verify and True in self.verify:
                continue  # exact matches have nothing to verify
            if is_direct(controller):
                if environment == "points" or (observer, verify) != (observers[0], self.verify[0]):
                    continue  # without keypoints, there is one column of it
                observer, verify = "none", True
            weights_files = self.weights if self.compares_weights else self.weights[:1]
            for weights in weights_files if learned else (None,):
                yield Spec(
                    environment=environment,
                    section=section,
                    index=index,
                    controller=controller,
                    observer=observer,
                    verify=verify,
                    perturbation=perturbation,
                    weights=weights,
                    stop=self.stop,
                    renderer="built-in" if environment == "points" else self.renderer,
                )
