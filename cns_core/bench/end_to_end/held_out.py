"""How well a trained network answers images that it has not seen, before any loop is closed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cns_core.bench.end_to_end.network import EndToEnd, as_pose, inverse
from cns_core.bench.end_to_end.views import Views, shrunk
from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.loop.picture import goal, trained_picture
from cns_core.simulation.tensor_se3 import rotation_log

_BATCH = 100


def held_out_errors(network: EndToEnd, views: Views) -> NDArray[np.float64]:
    """(N, 2) error of the way to the goal that a network tells: deg, and goal distances."""
    network.eval()
    desired = torch.from_numpy(shrunk(trained_picture().render(goal(), CAMERA)))[None].float()
    errors = []
    with torch.inference_mode():
        then = network.encoder(desired)
        for first in range(0, len(views.images), _BATCH):
            part = slice(first, first + _BATCH)
            now = network.encoder(torch.from_numpy(views.images[part]).float())
            told = as_pose(network.relative(now, then.expand(len(now), -1)))
            off = inverse(torch.from_numpy(views.poses[part]).float()) @ told
            turn = torch.rad2deg(rotation_log(off[:, :3, :3]).norm(dim=1))
            errors.append(torch.stack([turn, off[:, :3, 3].norm(dim=1)], dim=1))
    return torch.cat(errors).double().numpy()
