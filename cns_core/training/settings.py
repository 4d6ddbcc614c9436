"""The configuration of a training run, read from one YAML file."""

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class NetworkSettings:
    """Size and structure of the network."""

    width: int = 128
    clustering: bool = True
    memory: str = "gconv_gru"


@dataclass(frozen=True)
class SceneSettings:
    """Scenes and cameras; lengths in m, angles in degrees, image sizes in the normalized plane."""

    radius_m: tuple = (0.12, 0.5)  # at most 1.5 times what half the image shows
    height_m: tuple = (0.0, 0.14)
    half_width: tuple = (0.4, 0.75)
    aspect: tuple = (0.56, 0.76)
    desired_distance_m: tuple = (0.35, 0.9)
    desired_elevation_deg: tuple = (65.0, 90.0)
    desired_roll_deg: float = 180.0
    desired_tilt_deg: float = 5.0
    initial_distance_m: tuple = (0.35, 1.0)
    initial_elevation_deg: tuple = (30.0, 90.0)
    initial_roll_deg: float = 180.0
    initial_tilt_deg: float = 10.0
    near_share: float = 0.4
    aimed_share: float = 0.3


@dataclass(frozen=True)
class CorrespondenceSettings:
    """What goes wrong with the keypoints; times in s, lengths in the normalized plane."""

    kernel_sigma: tuple = (0.1, 0.6)
    tau_s: tuple = (0.5, 5.0)
    fewest_share: float = 0.05
    fewest: int = 4
    random_miss: float = 0.1
    random_miss_below: int = 64
    mismatched: float = 0.7  # share of the episodes with any mismatch
    mismatch_share: tuple = (0.0, 0.3)
    lasting_share: float = 0.7
    mismatch_hold_s: float = 2.0
    jitter: tuple = (0.00002, 0.0016)


@dataclass(frozen=True)
class RolloutSettings:
    """How the environments move."""

    dt_s: float = 0.04
    supervised_share: float = 0.1
    prior_wrong_share: float = 0.4
    prior_log_error: tuple = (-1.5, 0.8)
    fastest: float = 3.0
    view_below_deg: float = 30.0
    goal_rotation_deg: float = 0.5
    goal_translation_m: float = 0.003
    rest_steps: int = 80  # at the goal; an episode ends after them


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
    length: tuple
    window: int
    points: tuple
    rate: tuple
    scene: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """A whole training run."""

    curriculum: tuple
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
    def steps(self):
        """Environment steps of all phases."""
        return sum(phase.steps for phase in self.curriculum)

    def phase_at(self, step):
        """The phase that environment step ``step`` falls in, and how far through it is, 0..1."""
        for phase in self.curriculum:
            if step < phase.steps:
                return phase, step / phase.steps
            step -= phase.steps
        return self.curriculum[-1], 1.0

    def as_dict(self):
        """Plain dictionaries, as in the file."""
        return asdict(self)


def load_settings(path):
    """Read :class:`Settings` from a YAML file.

    Raises:
        ValueError: if the file is missing or holds an unknown, missing or mistyped setting.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"configuration file {path} does not exist")
    return parse_settings(yaml.safe_load(path.read_text()))


def parse_settings(tree):
    """Build :class:`Settings` from nested dictionaries; ValueError as :func:`load_settings`."""
    tree = dict(tree)
    phases = tree.pop("curriculum", None)
    if not phases:
        raise ValueError("curriculum must list at least one phase")
    curriculum = tuple(_phase(phase, f"curriculum[{i}].") for i, phase in enumerate(phases))
    return _build(Settings, {"curriculum": curriculum, **tree}, "")


def _phase(tree, where):
    phase = _build(Phase, tree, where)
    _build(SceneSettings, phase.scene, f"{where}scene.")
    return phase


def _build(kind, tree, where):
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(tree.keys() - known.keys())
    if unknown:
        raise ValueError(f"unknown setting {where}{unknown[0]}; known: {', '.join(known)}")
    values = {}
    for name, value in tree.items():
        factory = known[name].default_factory
        if is_dataclass(factory):
            value = _build(factory, value, f"{where}{name}.")
        elif isinstance(value, list):
            value = tuple(value)
        values[name] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where or 'configuration'}: {error}") from error
