"""Replacing the environments that ended, in their places."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cns_core.simulation.batch import Batch


def replace_environments(batch: Batch, which: Tensor, fresh: Batch) -> tuple[Batch, Tensor]:
    """Put the environments of ``fresh`` in the places of the (B,) bool mask ``which``.

    Returns:
        The new batch and (C,) long: for each of its clusters the row in the old batch, -1 where it
        is new.
    """
    kept = (~which).nonzero()[:, 0]
    place = torch.cat([kept, which.nonzero()[:, 0]])
    joined = batch.environments.rows(kept).joined(fresh.environments)
    moved = replace(fresh.keypoints, env=place[len(kept) + fresh.keypoints.env])
    keypoints = batch.keypoints.rows(~which[batch.keypoints.env]).joined(moved)

    owner = torch.repeat_interleave(batch.environments.clusters)
    old_rows = torch.arange(len(owner), device=which.device)[~which[owner]]
    new_rows = old_rows.new_full((int(fresh.environments.clusters.sum()),), -1)
    place_of_cluster = torch.repeat_interleave(place, joined.clusters)
    renewed = Batch(
        environments=joined.rows(place.argsort()),
        keypoints=keypoints.rows(keypoints.env.argsort(stable=True)),
    )
    return renewed, torch.cat([old_rows, new_rows])[place_of_cluster.argsort(stable=True)]
