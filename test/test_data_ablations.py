"""Section VII-F: each part of what makes the training data imperfect can be left out."""

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
import torch
import yaml

from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training import ablations
from cns_core.training.settings import load_settings, parse_settings


def tree():
    phase = {"steps": 512, "length": [6, 6], "window": 4, "points": [8, 24], "rate": [3e-3, 1e-3]}
    return {
        "curriculum": [phase],
        "environments": 8,
        "evaluate_every": 10**9,
        "network": {"width": 16},
    }


@pytest.mark.slow
def test_data_ablations_are_trained_and_compared(tmp_path):
    config = tmp_path / "ablation.yaml"
    config.write_text(yaml.safe_dump(tree()))
    command = ["--data", "--config", str(config), "--out", str(tmp_path / "out")]
    ablations.main([*command, "--episodes", "3", "--steps", "2", "--mismatches", "0"])
    rows = json.loads((tmp_path / "out" / "data_ablations.json").read_text())
    assert {row["weights"] for row in rows} == set(ablations.DATA_VARIANTS)
    for stem, change in ablations.DATA_VARIANTS.values():
        used = load_settings(tmp_path / "out" / stem / "settings.yaml")
        assert used.correspondence == change(load_settings(config)).correspondence


def test_a_longer_budget_keeps_the_curriculum():
    settings = parse_settings(tree())
    long = ablations.longer(settings, 3.0)
    assert long.steps == 3 * settings.steps
    assert long.curriculum[0].length == settings.curriculum[0].length
    with pytest.raises(ValueError, match="budget must be positive"):
        ablations.longer(settings, 0.0)


@cache
def without(part):
    """The environments and what is observed in 12 frames at rest, a part left out."""
    change = ablations.DATA_VARIANTS[part][1]
    settings = change(parse_settings(tree()))
    kept = replace(settings.correspondence, fewest_share=0.0, fewest=0, random_miss=0.0)
    kept = replace(kept, tau_s=(2.0, 2.0), kernel_sigma=(0.3, 0.3))
    simulator = Simulator(replace(settings, correspondence=kept).simulation, Draw(0))
    batch = simulator.fresh(24, (48, 48))
    seen = []
    for _ in range(12):
        batch, observation = simulator.observe(batch)
        seen.append(observation)
    return batch, seen


def flips(seen):
    """Share of the keypoints whose state is another one in the next frame."""
    return float(
        torch.stack([(a.matched ^ b.matched).float().mean() for a, b in pairwise(seen)]).mean()
    )


def found_share(seen):
    """Share of the keypoints that are found, of all frames."""
    return float(torch.stack([frame.matched.float() for frame in seen]).mean())


def spread(seen):
    """Largest move of a keypoint that is matched in two frames in a row, the camera at rest."""
    moves = ((b.current - a.current)[a.matched & b.matched] for a, b in pairwise(seen))
    return max(float(move.norm(dim=1).max()) for move in moves)


def test_each_part_of_the_data_can_be_left_out():
    batch, whole = without("CNS")
    without_kmc, unjittered = without("-KMC")[1], without("-Jitter")[1]
    assert flips(without_kmc) > 5 * flips(whole)
    assert found_share(without_kmc) == pytest.approx(found_share(whole), abs=0.05)
    # Without mismatches nothing moves but by jitter, which is six standard deviations at most.
    jitter = batch.environments.jitter.max()
    right = without("-Mismatches")[1]
    assert spread(right) < 12 * float(jitter) < 0.1 * spread(whole)
    still = [a.current - b.current for a, b in pairwise(unjittered)]
    assert torch.stack(still).norm(dim=2).median() < 1e-7
    assert without("-Jitter")[0].environments.desired_jitter.max() < 1e-8
    assert batch.environments.desired_jitter.max() > 1e-5
    assert torch.stack([a.current - b.current for a, b in pairwise(whole)]).norm(dim=2).median() > 0


def neighbours_agree(part):
    """Share of the keypoints found just when the nearest one of their scene is."""
    batch, seen = without(part)
    key, found = batch.keypoints, seen[0].matched
    distance = torch.cdist(key.desired, key.desired)
    distance = distance.where(key.env[:, None] == key.env, 9.0).fill_diagonal_(9.0)
    return float((found == found[distance.argmin(dim=1)]).float().mean())


def test_without_kernels_as_many_keypoints_are_missing_but_anywhere():
    whole, apart = (found_share(without(part)[1]) for part in ("CNS", "-Kernels"))
    assert apart == pytest.approx(whole, abs=0.05)
    assert neighbours_agree("CNS") > neighbours_agree("-Kernels") + 0.05
