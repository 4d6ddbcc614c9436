"""Random keypoints in space: a union of uniform distributions (paper, IV-A)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cns_core.simulation.draw import Draw
from cns_core.simulation.tensor_se3 import axis_rotation

SCENES_WITH_OBJECTS = 0.5
POINTS_ON_OBJECTS = 0.8
FEWEST_OBJECTS = 3
BARE_FEWEST_OBJECTS = 2
BARE_SIZE = 0.3
"""On a bare table: fewest objects, and the least factor of their size."""
MAX_TILT = math.radians(45)


def elliptic_cylinder(draw: Draw, a: Tensor, b: Tensor, height: Tensor) -> Tensor:
    """S(n, 0, 0, 0, h, a, b): points uniform in upright elliptic cylinders about the origin.

    Args:
        a, b, height: (...) half axes and full height in m, one for each point.

    Returns:
        (..., 3) points in m.
    """
    disk = draw.disk(*a.shape) * torch.stack([a, b], dim=-1)
    z = draw.uniform(-0.5, 0.5, *a.shape) * height
    return torch.cat([disk, z[..., None]], dim=-1)


def sample_scenes(
    draw: Draw, counts: Tensor, radius_m: Tensor, height_m: Tensor, bare_share: float = 0.0
) -> Tensor:
    """Points of several scenes at once, about the origin, z up.

    Half of the scenes are uniform in a cylinder. In the others 80 % of the points lie on tilted
    elliptic cylinders, as on the surfaces of objects, and the rest is uniform (paper, IV-A). Beyond
    the paper some scenes are fewer, smaller objects on a bare table, where nothing else is found.

    Args:
        counts: (S,) long, points in each scene.
        radius_m: (S,) radius of each scene.
        height_m: (S,) height of each scene.
        bare_share: of the scenes, those on a bare table.

    Returns:
        (S, max(counts), 3) points in m; those past a scene's count are to be ignored.
    """
    scenes, most = len(counts), int(counts.max())
    shape = scenes, most
    r, h = radius_m[:, None].expand(shape), height_m[:, None].expand(shape)
    uniform = elliptic_cylinder(draw, r, r, h)
    bare = draw.chance(bare_share, scenes)
    on_objects = draw.chance(SCENES_WITH_OBJECTS, scenes, 1)
    on_objects = on_objects & draw.chance(POINTS_ON_OBJECTS, *shape) | bare[:, None]
    objects = _points_on_objects(draw, counts, radius_m, height_m, bare, most)
    return torch.where(on_objects[..., None], objects, uniform)


def _points_on_objects(
    draw: Draw, counts: Tensor, radius_m: Tensor, height_m: Tensor, bare: Tensor, most: int
) -> Tensor:
    """(S, most, 3) points on up to log2(count) tilted elliptic cylinders a scene."""
    scenes = len(counts)
    fewest = torch.where(bare, BARE_FEWEST_OBJECTS, FEWEST_OBJECTS)
    objects = draw.integer(fewest, counts.float().log2().long().maximum(fewest), scenes)
    size = int(objects.max())
    center = elliptic_cylinder(
        draw,
        radius_m[:, None].expand(scenes, size),
        radius_m[:, None].expand(scenes, size),
        height_m[:, None].expand(scenes, size),
    )
    axes = 1.5 * radius_m / objects.clamp_min(FEWEST_OBJECTS).float().log2()
    axes = axes * torch.where(bare, draw.uniform(BARE_SIZE, 1, scenes), 1.0)
    a = draw.uniform(0.2, 0.8, scenes, size) * axes[:, None]
    b = axes[:, None] - a
    tilt = (
        axis_rotation(2, draw.uniform(0, 2 * math.pi, scenes, size))
        @ axis_rotation(1, draw.uniform(-MAX_TILT, MAX_TILT, scenes, size))
        @ axis_rotation(0, draw.uniform(-MAX_TILT, MAX_TILT, scenes, size))
    )
    which = draw.integer(torch.zeros_like(objects)[:, None], objects[:, None] - 1, scenes, most)
    scene = torch.arange(scenes, device=which.device)[:, None]
    height = 0.2 * height_m[:, None].expand(scenes, most)
    local = elliptic_cylinder(draw, a[scene, which], b[scene, which], height)
    return (tilt[scene, which] @ local[..., None]).squeeze(-1) + center[scene, which]
