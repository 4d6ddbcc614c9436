"""Faults between the driver node and a vendor's ROS 2 driver, at rest and in full motion."""

import os

import pytest
from support_faults import fault_matrix

from cns_core.bench.faults.trial import try_fault
from cns_ros.sim.twist_controller_faults import TWIST_CONTROLLER_FAULTS
from cns_ros.sim.twist_controller_rig import TwistControllerRig

QUICK = {f"twist controller: {fault}" for fault in ("driver told to end",)}


@pytest.fixture(scope="module")
def rig():
    low = 2 + os.getpid() % 250
    host = f"127.81.{os.getpid() // 250 % 250}.{low}"
    with TwistControllerRig(host, 1 + os.getpid() % 100) as rig:
        yield rig


@pytest.mark.parametrize(("fault", "phase"), fault_matrix(TWIST_CONTROLLER_FAULTS, QUICK))
def test_the_arm_stops_in_time_says_why_and_stays(rig, fault, phase):
    row = try_fault(rig, fault, phase)
    assert row["passed"], row
