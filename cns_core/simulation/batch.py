"""The state of all environments at once, as tensors; a step of simulation makes a new one.

Everything of the keypoints is packed: P rows, sorted by environment and by cluster within it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from torch import Tensor

from cns_core.simulation.packing import PackedGraphs, Segments

Self = TypeVar("Self", bound="Rows")


@dataclass(frozen=True, eq=False)
class Rows:
    """A record of tensors that all have the same number of rows."""

    def tensors(self) -> dict[str, Tensor]:
        """The fields by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def rows(self: Self, index: Tensor) -> Self:
        """The rows of a bool mask or of an index."""
        return replace(self, **{name: value[index] for name, value in self.tensors().items()})

    def joined(self: Self, other: Self) -> Self:
        """These rows and those of ``other`` below them."""
        below = other.tensors()
        return replace(
            self,
            **{name: torch.cat([value, below[name]]) for name, value in self.tensors().items()},
        )


@dataclass(frozen=True, eq=False)
class Environments(Rows):
    """One row for each of B environments."""

    R: Tensor  # (B, 3, 3), the camera's pose
    t: Tensor  # (B, 3), m
    R_start: Tensor
    t_start: Tensor
    R_goal: Tensor
    t_goal: Tensor
    center: Tensor  # (B, 3) mean of the keypoints, m
    radius: Tensor  # (B,) of the scene, m
    half_extent: Tensor  # (B, 2) of the image, normalized plane
    middle: Tensor  # (B, 2) of the desired keypoints, normalized plane
    extent: Tensor  # (B, 2)
    gradients: Tensor  # (B, KERNELS, 2, NOISE_PERIOD)
    phase: Tensor  # (B, KERNELS, 2)
    sigma: Tensor  # (B,) of the kernels
    miss: Tensor  # (B,) share missed anew each frame
    lasting: Tensor  # (B,) share of lasting mismatches
    fleeting: Tensor  # (B,) share of mismatches drawn anew each frame
    jitter: Tensor  # (B,) of the current keypoints
    desired_jitter: Tensor  # (B,)
    prior: Tensor  # (B,) distance prior over true distance
    supervised: Tensor  # (B,) bool, whether the supervisor drives
    age: Tensor  # (B,) long, steps since the start
    rested: Tensor  # (B,) long, steps at the goal without a break
    points: Tensor  # (B,) long, number of keypoints
    clusters: Tensor  # (B,) long, number of clusters

    @property
    def distance(self) -> Tensor:
        """(B,) true distance from the desired camera to the scene centre, m."""
        return (self.center - self.t_goal).norm(dim=-1)

    @property
    def first_point(self) -> Tensor:
        """(B,) long, the row of each environment's first keypoint."""
        return self.points.cumsum(0) - self.points

    @property
    def first_cluster(self) -> Tensor:
        """(B,) long, the row of each environment's first cluster."""
        return self.clusters.cumsum(0) - self.clusters


@dataclass(frozen=True, eq=False)
class Keypoints(Rows):
    """One row for each of P keypoints."""

    env: Tensor  # (P,) long
    cluster: Tensor  # (P,) long, within the environment
    is_center: Tensor  # (P,) bool
    world: Tensor  # (P, 3) m
    desired: Tensor  # (P, 2) normalized plane
    tau: Tensor  # (P,) s
    observable: Tensor  # (P,) bool
    partner: Tensor  # (P,) long, within the environment: which keypoint it is taken for


@dataclass(frozen=True, eq=False)
class Batch:
    """B environments and their keypoints."""

    environments: Environments
    keypoints: Keypoints

    def __len__(self) -> int:
        """Number of environments B."""
        return len(self.environments.points)

    def with_environments(self, **changes: Tensor) -> Batch:
        """The same with other values of some fields of :class:`Environments`."""
        return replace(self, environments=replace(self.environments, **changes))

    def with_keypoints(self, **changes: Tensor) -> Batch:
        """The same with other values of some fields of :class:`Keypoints`."""
        return replace(self, keypoints=replace(self.keypoints, **changes))

    @property
    def own(self) -> Tensor:
        """(P,) long, each keypoint's own number within its environment."""
        rows = torch.arange(len(self.keypoints.env), device=self.keypoints.env.device)
        return rows - self.environments.first_point[self.keypoints.env]

    def graphs(self) -> PackedGraphs:
        """The graphs of all environments; constant while an environment lasts."""
        env, key = self.environments, self.keypoints
        return PackedGraphs(
            desired=key.desired,
            center_index=key.is_center.nonzero()[:, 0],
            points=Segments(env.first_cluster[key.env] + key.cluster, int(env.clusters.sum())),
            clusters=Segments(torch.repeat_interleave(env.clusters), len(self)),
        )

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Plain tensors, for a checkpoint."""
        return {"env": self.environments.tensors(), "key": self.keypoints.tensors()}

    @classmethod
    def of_state(cls, state: Mapping[str, Mapping[str, Tensor]]) -> Batch:
        """What :meth:`state` gave."""
        return cls(Environments(**state["env"]), Keypoints(**state["key"]))
