"""Faults that can be injected into a simulated control box while it runs."""

import random

from cns_core.twin.robot import garbage


class Faults:
    """Active faults by name.

    Lasting, until cleared: ``rtde_frozen`` (clients are accepted and never answered),
    ``network_delay`` (``delay_s``, ``jitter_s``), ``late_feedback`` (``delay_s``),
    ``dashboard_garbage`` (``seed``).

    At once, nothing to clear: ``script_killed``, ``rtde_dropped``, ``rtde_garbage`` (``kind`` of
    :mod:`~cns_core.twin.robot.garbage`, ``seed``).

    Args:
        box: gives ``robot``, ``telemetry``, ``network`` and ``clients_of(service)``.
    """

    def __init__(self, box):
        self._box = box
        self._active = {}
        self._random = random.Random(0)

    def inject(self, name, **parameters):
        """Begin a fault; ValueError if there is none of that name, or a parameter is wrong."""
        if name not in _FAULTS:
            raise ValueError(f"unknown fault {name!r}, known are {sorted(_FAULTS)}")
        begin, end = _FAULTS[name]
        try:
            begin(self, **parameters)
        except TypeError as error:
            raise ValueError(f"fault {name}: {error}") from error
        if end is not None:
            self._active[name] = parameters

    def clear(self, name=None):
        """End one lasting fault, or all of them."""
        if name is not None and name not in self._active:
            raise ValueError(f"no fault {name!r} is active, active are {sorted(self._active)}")
        for each in [name] if name is not None else list(self._active):
            _FAULTS[each][1](self)
            del self._active[each]

    def active(self):
        """Dict of the lasting faults in effect, name to parameters."""
        return dict(self._active)

    def spoil(self, service, data):
        """What reaches a client of ``service`` in the place of ``data``."""
        if service == "dashboard" and "dashboard_garbage" in self._active:
            return garbage.dashboard_line(self._random)
        return data

    def freezes(self, service):
        """Whether clients of ``service`` are neither read nor answered."""
        return service == "rtde" and "rtde_frozen" in self._active

    def _delay_network(self, delay_s=0.0, jitter_s=0.0):
        self._box.network.delay_s = _seconds(delay_s, "delay_s")
        self._box.network.jitter_s = _seconds(jitter_s, "jitter_s")

    def _delay_feedback(self, delay_s=0.0):
        self._box.telemetry.feedback_delay_s = _seconds(delay_s, "delay_s")

    def _kill_script(self):
        self._box.robot.stop_program()

    def _drop_rtde(self):
        for client in self._box.clients_of("rtde"):
            client.close()

    def _send_rtde_garbage(self, kind="noise", seed=0):
        data = garbage.rtde_bytes(kind, random.Random(seed))
        for client in self._box.clients_of("rtde"):
            client.send(data)

    def _seed(self, seed=0):
        self._random.seed(seed)

    def _nothing(self):
        """Whoever is concerned asks whether the fault is active."""


_FAULTS = {
    "rtde_frozen": (Faults._nothing, Faults._nothing),
    "network_delay": (Faults._delay_network, Faults._delay_network),
    "late_feedback": (Faults._delay_feedback, Faults._delay_feedback),
    "dashboard_garbage": (Faults._seed, Faults._nothing),
    "script_killed": (Faults._kill_script, None),
    "rtde_dropped": (Faults._drop_rtde, None),
    "rtde_garbage": (Faults._send_rtde_garbage, None),
}


def _seconds(value, name):
    if not 0.0 <= value <= 60.0:
        raise ValueError(f"{name} must be 0 to 60 s, got {value}")
    return float(value)
