"""Nodes as processes that are started one by one, killed, and ended together."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import sleep

from cns_ros.bringup.processes import stop

# SIGTERM: a program in the background of a shell ignores SIGINT until it handles it.
_PATIENCE_S = {signal.SIGTERM: 30.0, signal.SIGKILL: 30.0}
_SETTLED_S = 3.0


class NodeProcesses:
    """The processes of some nodes, none of them started yet.

    Args:
        commands: command line of each node, by its name.
        environment: of all of them.
    """

    def __init__(
        self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]
    ) -> None:
        self._commands = commands
        self._environment = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._killed = False

    def lives(self, name: str) -> bool:
        """Whether a node was started and has not ended."""
        return name in self._processes and self._processes[name].poll() is None

    def start(self, name: str) -> None:
        """Start a node."""
        self._processes[name] = subprocess.Popen(
            self._commands[name],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, name: str) -> None:
        """SIGKILL a node and wait for its end."""
        self._killed = True
        self._processes[name].kill()
        self._processes[name].wait()

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a node."""
        self._processes[name].send_signal(number)

    def kill_child(self, name: str) -> None:
        """SIGKILL the first process that a node has started."""
        pid = self._processes[name].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    def end_all(self) -> None:
        """Have all of them leave the graph and end, the one started last before the others.

        Who is killed may die with a lock of the memory it shares with others. They wait for it a
        second and then replace that memory, and Fast DDS crashes a participant that is destroyed
        meanwhile: return only when that is over, so that who shares the graph may leave it.
        """
        processes = list(self._processes.values())
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # should it have been stopped
        stop(processes, _PATIENCE_S)
        if self._killed or any(process.returncode for process in processes):
            sleep(_SETTLED_S)
