"""Nodes as processes that are started and killed one by one."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


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

    def kill_all(self) -> None:
        """SIGKILL all of them."""
        for name in self._processes:
            self.kill(name)
