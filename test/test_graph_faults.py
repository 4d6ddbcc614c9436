"""Faults of the camera and dead nodes in the whole graph, at rest and in full motion."""

import json
import os
import time

import pytest
from support_faults import fault_matrix

from cns_core.bench import cli
from cns_core.bench.faults.trial import try_fault
from cns_ros.sim.graph_faults import GRAPH_FAULTS
from cns_ros.sim.graph_rig import GraphRig


@pytest.fixture(scope="module")
def rig():
    low = 2 + os.getpid() % 250
    with GraphRig(f"127.78.{os.getpid() // 250 % 250}.{low}", 1 + os.getpid() % 100) as rig:
        yield rig


@pytest.mark.parametrize(("fault", "phase"), fault_matrix(GRAPH_FAULTS, {"camera frozen"}))
def test_the_arm_stops_in_time_says_why_and_stays(rig, fault, phase):
    row = try_fault(rig, fault, phase)
    assert row["passed"], row


@pytest.mark.slow
def test_the_command_measures_the_graph_as_well(robot_address, tmp_path, capsys):
    command = ["faults", "--only", "camera silent", "--out", str(tmp_path)]
    assert cli.main([*command, "--host", robot_address]) == 0
    rows = json.loads((tmp_path / "faults.json").read_text())
    assert [row["phase"] for row in rows] == ["rest", "motion"]
    assert all(row["passed"] and "no matches" in row["status"] for row in rows)
    assert "2 of 2 passed" in capsys.readouterr().out


@pytest.mark.slow
def test_the_driver_says_so_when_the_robot_goes_off_and_stays_disarmed_when_it_returns(rig):
    rig.begin(moving=True)
    rig.box.process.kill()
    rig.until_state("disconnected")
    assert "connection lost" in rig.explanation()
    rig.box.stop()
    rig.box.start()
    rig.until_state("disarmed")
    quiet_from = time.monotonic()
    rig.start("twin")
    rig.invite()
    rig.graph.spin(1.0)
    assert not rig.box.motion_log(quiet_from).qd.any()
