"""The port that takes URScript programs and plays them at once."""

import logging

from cns_core.twin.robot.ports.session import Box, Send
from cns_core.twin.robot.safety import BoxRefusal
from cns_core.twin.robot.urscript.words import is_complete

PORT = 30003
_LONGEST_SCRIPT = 1 << 20
_log = logging.getLogger(__name__)


class ScriptSession:
    """One client that sends programs; nothing is ever sent back.

    Args:
        box: gives the robot.
        send: to the client.
    """

    def __init__(self, box: Box, send: Send) -> None:
        self._robot = box.robot
        self._text = b""

    def receive(self, data: bytes) -> None:
        """Play the program once its last ``end`` is there; ValueError for what is no text."""
        self._text += data
        if len(self._text) > _LONGEST_SCRIPT:
            raise ValueError(f"a script of more than {_LONGEST_SCRIPT} bytes")
        if not self._text.rstrip().endswith(b"end"):
            return
        source = self._text.decode("utf-8")
        if is_complete(source):
            self._text = b""
            self._play(source)

    def tick(self) -> None:
        """Nothing is sent."""

    def close(self) -> None:
        """What is incomplete is forgotten; a program that plays goes on."""

    def _play(self, source: str) -> None:
        try:
            self._robot.play(source)
        except BoxRefusal as error:
            _log.warning("program not played: %s", error)
