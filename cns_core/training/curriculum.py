"""What the curriculum asks for at a step of a run."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.simulation.settings import SceneSettings
from cns_core.simulation.simulator import Points
from cns_core.training.settings import Settings


@dataclass(frozen=True)
class Stage:
    """The settings of one update.

    Attributes:
        length: steps of an episode.
        window: steps of the update.
        points: fewest and most keypoints of a new scene.
        rate: learning rate.
        scene: how new scenes are drawn.
    """

    length: int
    window: int
    points: Points
    rate: float
    scene: SceneSettings


def stage_at(settings: Settings, step: int, updates: int) -> Stage:
    """The stage of environment step ``step``, after so many updates.

    Episodes grow linearly from a phase's start to its end; the learning rate goes geometrically,
    after a linear warm-up at the start of the run.
    """
    phase, progress = settings.phase_at(step)
    shortest, longest = phase.length
    first, last = phase.rate
    warmth = min(1.0, (updates + 1) / settings.optimizer.warmup_updates)
    length = round(shortest + (longest - shortest) * progress)
    return Stage(
        length=length,
        window=min(phase.window, length),
        points=phase.points,
        rate=warmth * first * (last / first) ** progress,
        scene=settings.scene_of(phase),
    )
