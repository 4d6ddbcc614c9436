"""Closed loop on projected points: fixed scenes in three sections by initial rotation.

``python -m cns_core.training.evaluate --weights A B`` compares weights on the same scenes.
"""

import argparse
import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cns_core.policy.keypoint_graph import cluster
from cns_core.policy.network import twist
from cns_core.policy.weights import default_weights, load_network
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training.settings import SceneSettings, Settings

SUCCESS_ROTATION_DEG = 3.0
SUCCESS_TRANSLATION_M = 0.03


@dataclass(frozen=True)
class Result:
    """What became of each of B episodes.

    Attributes:
        initial_deg: (B,) initial rotation error.
        rotation_deg, translation_mm: (B,) final errors.
        steps: (B,) step from which on an episode stayed within the success bounds.
    """

    initial_deg: torch.Tensor
    rotation_deg: torch.Tensor
    translation_mm: torch.Tensor
    steps: torch.Tensor

    @property
    def success(self):
        """(B,) bool, final errors within the paper's bounds of 3 deg and 3 cm."""
        return (self.rotation_deg < SUCCESS_ROTATION_DEG) & (
            self.translation_mm < 1e3 * SUCCESS_TRANSLATION_M
        )

    def summary(self, which=slice(None)):
        """Figures over the episodes ``which``; errors and steps are means over successes."""
        ok = self.success[which]
        return {
            "success": ok.float().mean().item(),
            "steps": self.steps[which][ok].float().mean().item(),
            "rotation_error_deg": self.rotation_deg[which][ok].mean().item(),
            "translation_error_mm": self.translation_mm[which][ok].mean().item(),
        }

    def sections(self):
        """Summaries of the thirds S, M, L by initial rotation, and of all (A)."""
        order = self.initial_deg.argsort()
        small, medium, large = order.tensor_split(3)
        parts = {"S": small, "M": medium, "L": large, "A": order}
        return {name: self.summary(which) for name, which in parts.items()}


def evaluation_settings(settings, mismatch_share, prior_factor=1.0):
    """The paper's scenes and camera, the policy alone at the wheel, a given prior."""
    return replace(
        settings,
        scene=SceneSettings(
            radius_m=(0.2, 0.2),
            height_m=(0.1, 0.1),
            half_width=(320 / 540, 320 / 540),
            aspect=(0.75, 0.75),
            desired_distance_m=(0.5, 0.9),
            desired_elevation_deg=(70.0, 90.0),
            desired_roll_deg=15.0,
            initial_roll_deg=60.0,
            initial_distance_m=(0.5, 0.9),
            near_share=0.0,
            aimed_share=0.0,
        ),
        correspondence=replace(
            settings.correspondence,
            kernel_sigma=(0.3, 0.3),
            fewest_share=0.2,
            tau_s=(2.5, 5.0),
            mismatched=1.0,
            mismatch_share=(mismatch_share, mismatch_share),
            jitter=(0.0005, 0.0005),
        ),
        rollout=replace(
            settings.rollout,
            supervised_share=0.0,
            prior_wrong_share=1.0,
            prior_log_error=(math.log(prior_factor), math.log(prior_factor)),
        ),
    )


def affinity_clusters(desired, env, counts):
    """Clusters as at run time, scene by scene."""
    parts = [cluster(part.numpy()) for part in desired.split(counts.tolist())]
    return torch.cat([torch.as_tensor(part) for part in parts])


# Training watches the same scenes: quote figures from another seed.
_SEED = 12345


@torch.no_grad()
def evaluate(network, settings, episodes, steps, points, seed=_SEED, cluster=None):
    """Servo all episodes for ``steps`` frames.

    Args:
        network: :class:`cns_core.policy.network.CnsNetwork`.
        settings: from :func:`evaluation_settings`.
        points: (fewest, most) keypoints of a scene.
        cluster: as for :class:`Simulator`; None for batched k-means.

    Returns:
        A :class:`Result`.
    """
    simulator = Simulator(settings, Draw(seed), cluster)
    simulator.reset(episodes, points)
    initial = simulator.errors()[0]
    target = network.target(simulator.graphs())
    hidden = None
    settled = torch.zeros(episodes, dtype=torch.long)
    for step in range(1, steps + 1):
        current, matched = simulator.observe()
        direction, norm, hidden = network(target, current, matched, hidden)
        simulator.advance(twist(direction, norm), torch.zeros(episodes, 6))
        rotation, translation = simulator.errors()
        outside = (rotation > math.radians(SUCCESS_ROTATION_DEG)) | (
            translation > SUCCESS_TRANSLATION_M
        )
        settled[outside] = step
    return Result(initial.rad2deg(), rotation.rad2deg(), 1e3 * translation, settled)


def add_scene_arguments(parser):
    """What the scenes are, for every command that evaluates."""
    parser.add_argument("--mismatches", type=float, nargs="+", default=[0.0, 0.1], help="shares")
    parser.add_argument("--priors", type=float, nargs="+", default=[1.0], help="assumed over true")
    parser.add_argument("--episodes", type=int, default=150)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--points", type=int, nargs=2, default=(64, 512), help="of a scene")
    parser.add_argument("--seed", type=int, default=_SEED, help="of the scenes")


def by_label(files):
    """Weights files by their stem, which is enough where it differs, else by the whole path."""
    files = [Path(path) for path in files]
    names = [path.stem for path in files]
    return dict(zip(names if len(set(names)) == len(names) else files, files, strict=True))


def compare(weights, args):
    """Print and return figures of several weights on the same scenes, a table each condition.

    Args:
        weights: file by label.
        args: with the attributes of :func:`add_scene_arguments`.

    Returns:
        A list of dictionaries: label, mismatches, prior, section and the section's figures.
    """
    networks = {label: load_network(path) for label, path in weights.items()}
    rows = []
    for mismatch, prior in itertools.product(args.mismatches, args.priors):
        print(f"\nmismatches {mismatch:.0%}, prior x {prior:g}, {args.episodes} scenes\n")
        print("| weights | section | success % | steps | rotation deg | translation mm |")
        print("|---|---|---|---|---|---|")
        for label, network in networks.items():
            result = _closed_loop(network, mismatch, prior, args)
            for section, figures in result.sections().items():
                row = {"weights": label, "mismatches": mismatch, "prior": prior}
                rows.append({**row, "section": section, **figures})
                print(f"| {label} | {section} | {_cells(**figures)} |", flush=True)
    return rows


def _closed_loop(network, mismatch, prior, args):
    settings = evaluation_settings(Settings(curriculum=()), mismatch, prior)
    settings = replace(settings, network=replace(settings.network, clustering=network.clustering))
    cluster = affinity_clusters if network.clustering else None
    return evaluate(network, settings, args.episodes, args.steps, args.points, args.seed, cluster)


def _cells(success, steps, rotation_error_deg, translation_error_mm):
    return (
        f"{100 * success:.1f} | {steps:.0f} | {rotation_error_deg:.3f} | {translation_error_mm:.2f}"
    )


def main(argv=None):
    """Print success, steps and errors by section for every weights file, mismatch and prior."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", nargs="+", help="files; the shipped ones if left out")
    add_scene_arguments(parser)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    compare(by_label(args.weights or [default_weights()]), args)


if __name__ == "__main__":
    main()
