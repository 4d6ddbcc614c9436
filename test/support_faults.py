"""The parametrization of tests over a table of faults."""

import pytest

from cns_core.bench.faults.fault import PHASES


def fault_matrix(faults, always):
    """Every fault in every phase; those named ``always`` in motion, the others when slow."""
    return [
        pytest.param(fault, phase, marks=_marks(fault, phase, always), id=f"{fault.name}, {phase}")
        for fault in faults
        for phase in PHASES
    ]


def _marks(fault, phase, always):
    return () if fault.name in always and phase == "motion" else (pytest.mark.slow,)
