"""The port that takes URScript programs and plays them at once."""

import logging

from cns_core.twin.robot.robot import Refused
from cns_core.twin.robot.urscript.words import is_complete

PORT = 30003
_LONGEST_SCRIPT = 1 << 20
_log = logging.getLogger(__name__)


class ScriptSession:
    """One client that sends programs; nothing is ever sent back.

    Args:
        box: gives ``robot``.
        send: function taking the bytes for the client.
    """

    def __init__(self, box, send):
        self._robot = box.robot
        self._text = b""

    def receive(self, data):
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

    def tick(self):
        """Nothing is sent."""

    def close(self):
        """What is incomplete is forgotten; a program that plays goes on."""

    def _play(self, source):
        try:
            self._robot.play(source)
        except Refused as error:
            _log.warning("program not played: %s", error)
