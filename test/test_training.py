"""Training as a whole: environments, resuming, learning, several processes, the command."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch_geometric.data import Batch

from cns_core.policy.weights import default_weights
from cns_core.simulation.draw import Draw
from cns_core.simulation.evaluation_scenes import evaluation_settings
from cns_core.simulation.settings import SimulationSettings
from cns_core.simulation.simulator import Simulator
from cns_core.training import ablations, checkpoint, curves, distributions
from cns_core.training import evaluate as evaluation
from cns_core.training.closed_loop import evaluate
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.network.variants import structure
from cns_core.training.reference.network import FrameGraph, ReferenceNetwork
from cns_core.training.run import Run
from cns_core.training.settings import load_settings, parse_settings
from cns_core.training.speed import alone, keypoint_graph
from cns_core.training.train import main
from cns_core.training.trainer import Trainer
from cns_core.training.weights import load_network

CONFIG = Path(__file__).parents[1] / "config" / "train.yaml"


def tree(**changes):
    phase = {"steps": 512, "length": [6, 6], "window": 4, "points": [8, 24], "rate": [3e-3, 1e-3]}
    return {
        "curriculum": [phase],
        "environments": 8,
        "checkpoint_every": 128,
        "evaluate_every": 10**9,
        "network": {"width": 16},
        **changes,
    }


@pytest.fixture
def settings():
    return parse_settings(tree())


def test_shipped_configuration_is_read():
    settings = load_settings(CONFIG)
    assert settings.steps == sum(phase.steps for phase in settings.curriculum)
    phase, progress = settings.phase_at(settings.curriculum[0].steps)
    assert phase is settings.curriculum[1] and progress == 0.0


@pytest.mark.parametrize(
    "change, word",
    [
        ({"sped": 1}, "unknown setting sped"),
        ({"network": {"depth": 3}}, "unknown setting network.depth"),
        ({"curriculum": []}, "at least one phase"),
        ({"curriculum": [{"steps": 3}]}, "curriculum"),
        (
            {"curriculum": [{**tree()["curriculum"][0], "scene": {"rol": 3}}]},
            "curriculum.0..scene.rol",
        ),
    ],
)
def test_wrong_configurations_are_refused(change, word):
    with pytest.raises(ValueError, match=word):
        parse_settings(tree(**change))


def test_environments_are_consistent_and_renewed_in_place():
    simulator = Simulator(SimulationSettings(), Draw(0))
    batch = simulator.fresh(8, (8, 40))
    before = batch.graphs()
    memory = torch.arange(before.points.count)
    which = torch.tensor([True, False] * 4)
    renewed, kept = simulator.renew(batch, which, (8, 40))
    after, env, key = renewed.graphs(), renewed.environments, renewed.keypoints
    assert (env.t[~which] == batch.environments.t[~which]).all()
    assert (env.t[which] != batch.environments.t[which]).any(dim=1).all()
    assert (key.env.diff() >= 0).all() and (after.points.owner.diff() >= 0).all()
    assert (torch.bincount(key.env) == env.points).all()
    # A cluster keeps its memory exactly where its environment stays.
    assert ((kept >= 0) == ~which[after.clusters.owner]).all()
    old = kept[kept >= 0]
    assert old.tolist() == memory[~which[before.clusters.owner]].tolist()
    center_owner = after.points.owner[after.center_index]
    assert (center_owner == torch.arange(after.points.count)).all()


def test_a_step_leaves_the_batch_it_was_given_as_it_is():
    simulator = Simulator(SimulationSettings(), Draw(0))
    batch = simulator.fresh(6, (8, 40))
    kept = {
        part: {name: value.clone() for name, value in tensors.items()}
        for part, tensors in batch.state().items()
    }
    observed, _ = simulator.observe(batch)
    simulator.advance(observed, torch.ones(6, 6), simulator.supervision(observed))
    simulator.renew(observed, torch.arange(6) < 2, (8, 40))
    for part, tensors in batch.state().items():
        for name, value in tensors.items():
            assert torch.equal(value, kept[part][name]), name
    assert not torch.equal(observed.keypoints.observable, batch.keypoints.observable)


def test_a_rest_at_the_goal_is_counted():
    simulator = Simulator(SimulationSettings(), Draw(0))
    batch = simulator.fresh(8, (8, 24))
    env = batch.environments
    batch = batch.with_environments(
        R=env.R_goal, t=env.t_goal, supervised=torch.zeros(8, dtype=torch.bool)
    )
    still = torch.zeros(8, 6)
    for _ in range(3):
        batch = simulator.advance(batch, still, still)
    assert (batch.environments.rested == 3).all()
    batch = simulator.advance(batch, still + 1.0, still)
    assert (batch.environments.rested == 0).all()


def test_some_scenes_fill_the_image_and_some_its_middle():
    env = Simulator(SimulationSettings(), Draw(0)).fresh(200, (128, 256)).environments
    covered = (env.extent / (2 * env.half_extent)).mean(dim=1)
    assert 0.1 < (covered > 0.9).float().mean() < 0.9
    assert 0.1 < (covered < 0.75).float().mean() < 0.9


def test_matched_keypoints_are_in_view_and_near_where_they_belong():
    clean = evaluation_settings(SimulationSettings(), mismatch_share=0.0)
    simulator = Simulator(clean, Draw(1))
    batch = simulator.fresh(16, (20, 60))
    env = batch.environments
    batch, seen = simulator.observe(batch.with_environments(R=env.R_goal, t=env.t_goal))
    key = batch.keypoints
    assert (seen.current[seen.matched] - key.desired[seen.matched]).abs().max() < 0.004
    share = torch.bincount(key.env[seen.matched], minlength=16) / env.points
    assert share.min() >= 0.15


def test_scenes_of_few_keypoints_have_no_mismatches():
    settings = evaluation_settings(SimulationSettings(), mismatch_share=0.3)
    fewest = settings.correspondence.mismatched_from
    env = Simulator(settings, Draw(0)).fresh(200, (4, 40)).environments
    wrong = env.lasting + env.fleeting > 0
    assert (wrong == (env.points >= fewest)).all() and wrong.any() and not wrong.all()


def test_training_in_pieces_is_training_in_one_go(settings, tmp_path):
    whole = Run(settings, tmp_path / "whole")
    assert whole.train()
    Run(settings, tmp_path / "pieces")
    first = Run(settings, tmp_path / "pieces")
    while first.trainer.step < 200:
        first.trainer.window()
    first.save()
    second = Run(settings, tmp_path / "pieces", resume=True)
    assert second.trainer.step == first.trainer.step and second.train()
    for name, value in whole.trainer.network.state_dict().items():
        assert torch.equal(value, second.trainer.network.state_dict()[name]), name
    assert torch.equal(whole.trainer.batch.environments.t, second.trainer.batch.environments.t)


@pytest.mark.slow
def test_training_improves_on_an_untrained_network():
    phase = {"steps": 14000, "length": [4, 8], "window": 8, "points": [8, 24], "rate": [3e-3, 1e-3]}
    settings = parse_settings(
        tree(curriculum=[phase], environments=32, network={"width": 32}, seed=1)
    )
    trainer = Trainer(settings)
    untrained = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    losses = []
    while not trainer.done:
        losses.append(trainer.window()["loss"])
    assert sum(losses[-20:]) < 0.85 * sum(losses[:20])

    def remaining_rotation(state):
        trainer.network.load_state_dict(state)
        result = evaluate(
            trainer.network, evaluation_settings(settings.simulation, 0.0), 48, 25, (16, 24)
        )
        return (result.rotation_deg / result.initial_deg).median()

    trained = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    assert remaining_rotation(trained) < 0.9 * remaining_rotation(untrained)


@pytest.mark.parametrize("network", [{"clustering": False}, {"memory": "mlp"}, {"memory": "ggnn"}])
def test_ablations_train_and_are_read_back(network, tmp_path):
    settings = parse_settings(tree(network={"width": 16, **network}))
    run = Run(settings, tmp_path)
    figures = run.trainer.window()
    assert figures["gradient"] > 0
    run.save()
    read = load_network(tmp_path / "cns.safetensors")
    assert type(read.memory) is type(run.trainer.network.memory)
    assert read.clustering == run.trainer.network.clustering


def test_bf16_trains(settings):
    settings = parse_settings(tree(optimizer={"bf16": True}))
    assert Trainer(settings).window()["gradient"] > 0


def test_command_writes_weights_log_and_checkpoint_and_resumes(tmp_path, capsys):
    config = tmp_path / "train.yaml"
    config.write_text(yaml.safe_dump(tree(evaluate_every=512)))
    out = tmp_path / "run"
    main(["--config", str(config), "--out", str(out), "--time-budget", "0"])
    assert "paused at step 0" in capsys.readouterr().out
    main(["--config", str(config), "--out", str(out), "--resume"])
    assert "finished at step 512" in capsys.readouterr().out
    assert (out / "curves.png").stat().st_size > 10_000
    assert [float(row["step"]) for row in curves.read(out / "evaluation.csv")] == [512]
    load_network(out / "cns.safetensors")


def test_command_refuses_what_it_cannot_do(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--config", str(tmp_path / "absent.yaml"), "--out", str(tmp_path)])
    assert "absent.yaml does not exist" in capsys.readouterr().err
    config = tmp_path / "train.yaml"
    config.write_text(yaml.safe_dump(tree()))
    with pytest.raises(SystemExit):
        main(["--config", str(config), "--out", str(tmp_path / "new"), "--resume"])
    assert "checkpoint.pt does not exist" in capsys.readouterr().err


def test_the_shipped_weights_go_on(tmp_path):
    """At their step of the shipped configuration, with a network that knows its way."""
    settings = load_settings(CONFIG)
    settings = replace(settings, curriculum=(*settings.curriculum, settings.curriculum[-1]))
    trainer = Run(settings, tmp_path, weights=default_weights()).trainer
    assert trainer.step > 1e7 and trainer.stage.length == settings.curriculum[-1].length[1]
    shipped = load_network(default_weights()).state_dict()
    for network in (trainer.network, trainer.served):
        for name, value in network.state_dict().items():
            assert torch.equal(value, shipped[name]), name
    # A network that knows nothing is at one.
    assert trainer.window()["direction_loss"] < 0.7


def test_weights_of_the_authors_are_not_gone_on_from(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--config", str(CONFIG), "--out", str(tmp_path), "--weights", "cns_state_dict.pth"])
    assert "must be a .safetensors file, got cns_state_dict.pth" in capsys.readouterr().err


def test_another_number_of_processes_goes_on_with_fresh_environments(settings):
    first = Trainer(settings)
    first.window()
    second = Trainer(settings, state=first.state())
    assert second.step == first.step and not second.hidden.any()
    assert second.window()["gradient"] > 0


def test_interrupted_run_is_saved(settings, tmp_path):
    run = Run(settings, tmp_path)
    run.interrupt()
    assert not run.train()
    assert checkpoint.load(tmp_path / "checkpoint.pt")["state"]["step"] == 0


def test_per_environment_loop_computes_what_the_batched_one_does():
    simulator = Simulator(SimulationSettings(), Draw(0))
    network, reference = CnsNetwork(width=16), ReferenceNetwork(width=16)
    reference.load_state_dict(network.state_dict())
    batch, seen = simulator.observe(simulator.fresh(4, (8, 30)))
    frames = []
    for i in range(4):
        mine = batch.keypoints.env == i
        graph = keypoint_graph(alone(batch, i))
        frames.append(FrameGraph.of(graph, seen.current[mine].numpy(), seen.matched[mine].numpy()))
    with torch.no_grad():
        ours = network(network.target(batch.graphs()), seen.current, seen.matched)
        theirs = reference(Batch.from_data_list(frames))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_a_phase_may_have_scenes_of_its_own():
    phase = tree()["curriculum"][0]
    far = {**phase, "steps": 32, "scene": {"desired_distance_m": (2.0, 2.0)}}
    trainer = Trainer(parse_settings(tree(curriculum=[far, phase])))
    trainer.window()
    assert trainer.batch.environments.t_goal.norm(dim=1).min() > 1.99
    for _ in range(4):
        trainer.window()
    assert trainer.batch.environments.t_goal.norm(dim=1).max() < 1.0


def test_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, step=3)
    assert checkpoint.load(path)["step"] == 3
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load(path)


def test_evaluation_compares_weights_by_section(settings, tmp_path, capsys):
    run = Run(settings, tmp_path)
    run.save()
    weights = str(tmp_path / "cns.safetensors")
    evaluation.main(["--weights", weights, "--episodes", "6", "--steps", "2", "--priors", "0.5"])
    printed = capsys.readouterr().out
    assert "mismatches 10%, prior x 0.5, 6 scenes" in printed
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith("| cns |")]
    assert [row[1] for row in rows] == ["S", "M", "L", "A"] * 2


@pytest.mark.slow
def test_ablations_are_trained_once_and_compared(tmp_path, capsys):
    config = tmp_path / "ablation.yaml"
    config.write_text(yaml.safe_dump(tree()))
    command = ["--config", str(config), "--out", str(tmp_path / "out")]
    command += ["--episodes", "3", "--steps", "2", "--mismatches", "0"]
    ablations.main(command)
    rows = json.loads((tmp_path / "out" / "ablations.json").read_text())
    assert {row["weights"] for row in rows} == set(ablations.VARIANTS)
    for stem, change in ablations.VARIANTS.values():
        wanted = change(load_settings(config)).network
        made = structure(load_network(tmp_path / "out" / f"{stem}.safetensors"))
        assert (made["clustering"], made["memory"]) == (wanted.clustering, wanted.memory)

    capsys.readouterr()
    ablations.main([*command, "--beside", str(tmp_path / "out" / "full.safetensors")])
    printed = capsys.readouterr().out
    assert "environment steps into" not in printed and "| full | A |" in printed


def test_without_curriculum_every_phase_is_like_the_last():
    settings = load_settings(CONFIG.with_name("ablation.yaml"))
    flat = ablations.VARIANTS["-Curriculum"][1](settings)
    assert flat.steps == settings.steps
    assert {(p.length, p.points) for p in flat.curriculum} == {((200, 300), (12, 256))}
    assert [p.rate for p in flat.curriculum] == [p.rate for p in settings.curriculum]


@pytest.mark.slow
def test_distributions_are_drawn(tmp_path):
    distributions.main(["--config", str(CONFIG), "--environments", "60", "--out", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {"distributions.png", "scenes.png"}


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    config = tmp_path / "train.yaml"
    config.write_text(yaml.safe_dump(tree()))
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "cns_core.training.train", "--config", str(config), "--out", str(tmp_path / "run")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    saved = checkpoint.load(tmp_path / "run" / "checkpoint.pt")
    assert saved["state"]["step"] == 512 and saved["state"]["updates"] == 8
    first, second = (local["simulator"]["env"]["t"] for local in saved["local"])
    assert not torch.equal(first, second)
