"""Networks from whole images to a pose: the paper's [11] and [13], small enough for two cores."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from cns_core.bench.end_to_end.views import HEIGHT, WIDTH
from cns_core.simulation.tensor_se3 import rotation_exp, rotation_log

_CHANNELS = (16, 24, 48, 96, 128)
_FEATURES = 256
_LEAST_STD = 0.02
_PAIRS = 4
_NEAR = 0.1


class Encoder(nn.Module):
    """A residual network that keeps where things are: its last map is 3 x 4 and is not averaged."""

    def __init__(self) -> None:
        super().__init__()
        first = _CHANNELS[0]
        self.layers = nn.Sequential(
            nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            *(_Residual(a, b) for a, b in itertools.pairwise(_CHANNELS)),
            nn.Flatten(),
        )
        self.to_features = nn.Linear(_CHANNELS[-1] * (HEIGHT // 32) * (WIDTH // 32), _FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        """(B, H, W) grey levels of any scale to (B, F) features."""
        mean = images.mean(dim=(1, 2), keepdim=True)
        std = images.std(dim=(1, 2), keepdim=True).clamp_min(_LEAST_STD)
        even = ((images - mean) / std)[:, None]
        even = even.contiguous(memory_format=torch.channels_last)
        return self.to_features(self.layers(even)).relu()


class EndToEnd(nn.Module):
    """What both methods have in common.

    Attributes:
        encoder: from images to features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()

    def relative(self, current: Tensor, desired: Tensor) -> Tensor:
        """(B, 6) ``[t, theta u]``: the current camera in the desired one's frame, t in goal
        distances, for (B, F) features of both images."""
        raise NotImplementedError

    def loss(self, features: Tensor, poses: Tensor, generator: torch.Generator) -> Tensor:
        """How far off the answers are for (B, F) features of images taken at (B, 4, 4) ``poses``
        in the frame of the goal, lengths in goal distances."""
        raise NotImplementedError


class PoseCnn(EndToEnd):
    """[11]: one image to its pose before the one scene that it was trained on.

    As in Bateux et al. (ICRA 2018), another desired image is served by the poses of both.
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(_FEATURES, 6)

    def relative(self, current: Tensor, desired: Tensor) -> Tensor:
        """See :class:`EndToEnd`."""
        now, then = (as_pose(self.head(features)) for features in (current, desired))
        return as_vector(inverse(then) @ now)

    def loss(self, features: Tensor, poses: Tensor, generator: torch.Generator) -> Tensor:
        """See :class:`EndToEnd`."""
        return _relative_error(self.head(features), as_vector(poses))


class Siamese(EndToEnd):
    """[13]: two images to the pose of one before the other, by one encoder (Felton et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(2 * _FEATURES, _FEATURES), nn.ReLU(), nn.Linear(_FEATURES, 6)
        )

    def relative(self, current: Tensor, desired: Tensor) -> Tensor:
        """See :class:`EndToEnd`."""
        answer: Tensor = self.head(torch.cat([current, desired], dim=1))
        return answer

    def loss(self, features: Tensor, poses: Tensor, generator: torch.Generator) -> Tensor:
        """See :class:`EndToEnd`. Encoding costs most: each image is seen beside several others."""
        count = len(poses)
        near = as_vector(poses).norm(dim=1).argsort()[: max(count // 2, 1)]
        now = torch.arange(count).repeat(_PAIRS)
        then = near[torch.randint(len(near), (len(now),), generator=generator)]
        answers = self.relative(features[now], features[then])
        return _relative_error(answers, as_vector(inverse(poses[then]) @ poses[now]))


def as_pose(vectors: Tensor) -> Tensor:
    """(B, 4, 4) poses of (B, 6) ``[t, theta u]``."""
    poses = torch.eye(4).repeat(len(vectors), 1, 1)
    poses[:, :3, :3] = rotation_exp(vectors[:, 3:])
    poses[:, :3, 3] = vectors[:, :3]
    return poses


def as_vector(poses: Tensor) -> Tensor:
    """(B, 6) ``[t, theta u]`` of (B, 4, 4) poses."""
    return torch.cat([poses[:, :3, 3], rotation_log(poses[:, :3, :3])], dim=1)


def inverse(poses: Tensor) -> Tensor:
    """Of (B, 4, 4) poses."""
    inverted = torch.eye(4).repeat(len(poses), 1, 1)
    R = poses[:, :3, :3].mT
    inverted[:, :3, :3] = R
    inverted[:, :3, 3] = -(R @ poses[:, :3, 3:])[:, :, 0]
    return inverted


def _relative_error(answers: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error, which counts more the shorter the way is."""
    return ((answers - truth).abs().mean(dim=1) / (_NEAR + truth.norm(dim=1))).mean()


class _Residual(nn.Module):
    """Two convolutions beside a shortcut, at half the size."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels, out, 1, stride=2, bias=False), nn.BatchNorm2d(out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return (self.way(x) + self.shortcut(x)).relu()


NETWORKS: dict[str, type[EndToEnd]] = {"pose-cnn": PoseCnn, "siamese": Siamese}
"""By the name of the method."""
