"""The configuration of a training run, read from one YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from cns_core.simulation.settings import (
    CorrespondenceSettings,
    Range,
    RolloutSettings,
    SceneSettings,
    SimulationSettings,
)

T = TypeVar("T")


@dataclass(frozen=True)
class NetworkSettings:
    """Size and structure of the network."""

    width: int = 128
    clustering: bool = True
    memory: str = "gconv_gru"


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW, clipping, loss weights and the running average of the weights."""

    weight_decay: float = 1e-4
    clip: float = 1.0
    warmup_updates: int = 100
    average: float = 0.004
    norm_weight: float = 0.3
    bf16: bool = False


@dataclass(frozen=True)
class Phase:
    """A stretch of the curriculum; pairs grow linearly from its start to its end.

    Args:
        steps: environment steps it lasts.
        length: episode lengths in steps.
        window: steps of truncated back-propagation.
        points: fewest and most keypoints of a scene.
        rate: learning rate.
        scene: settings of :class:`SceneSettings` that this phase has its own values of.
    """

    steps: int
    length: tuple[int, int]
    window: int
    points: tuple[int, int]
    rate: Range
    scene: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """A whole training run."""

    curriculum: tuple[Phase, ...]
    seed: int = 0
    environments: int = 64
    evaluate_every: int = 200_000
    checkpoint_every: int = 50_000
    network: NetworkSettings = field(default_factory=NetworkSettings)
    scene: SceneSettings = field(default_factory=SceneSettings)
    correspondence: CorrespondenceSettings = field(default_factory=CorrespondenceSettings)
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)

    @property
    def steps(self) -> int:
        """Environment steps of all phases."""
        return sum(phase.steps for phase in self.curriculum)

    def phase_at(self, step: int) -> tuple[Phase, float]:
        """The phase that environment step ``step`` falls in, and how far through it is, 0..1."""
        for phase in self.curriculum:
            if step < phase.steps:
                return phase, step / phase.steps
            step -= phase.steps
        return self.curriculum[-1], 1.0

    @property
    def simulation(self) -> SimulationSettings:
        """What the simulator is told."""
        return SimulationSettings(self.scene, self.correspondence, self.rollout)

    def scene_of(self, phase: Phase) -> SceneSettings:
        """The scenes of a phase of the curriculum."""
        return replace(self.scene, **phase.scene)

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries, as in the file."""
        return asdict(self)


def load_settings(path: str | Path) -> Settings:
    """Read :class:`Settings` from a YAML file.

    Raises:
        ValueError: if the file is missing or holds an unknown, missing or mistyped setting.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"configuration file {path} does not exist")
    return parse_settings(yaml.safe_load(path.read_text()))


def parse_settings(tree: Mapping[str, Any]) -> Settings:
    """Build :class:`Settings` from nested dictionaries; ValueError as :func:`load_settings`."""
    tree = dict(tree)
    phases = tree.pop("curriculum", None)
    if not phases:
        raise ValueError("curriculum must list at least one phase")
    curriculum = tuple(_phase(phase, f"curriculum[{i}].") for i, phase in enumerate(phases))
    return _build(Settings, {"curriculum": curriculum, **tree}, "")


def _phase(tree: Mapping[str, Any], where: str) -> Phase:
    phase = _build(Phase, tree, where)
    _build(SceneSettings, phase.scene, f"{where}scene.")
    return phase


def _build(kind: type[T], tree: Mapping[str, Any], where: str) -> T:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    unknown = sorted(tree.keys() - known.keys())
    if unknown:
        raise ValueError(f"unknown setting {where}{unknown[0]}; known: {', '.join(known)}")
    values = {}
    for name, value in tree.items():
        factory = known[name].default_factory
        if isinstance(factory, type) and is_dataclass(factory):
            value = _build(factory, value, f"{where}{name}.")
        elif isinstance(value, list):
            value = tuple(value)
        values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where or 'configuration'}: {error}") from error
