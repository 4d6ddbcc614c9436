"""What a person at the arm does: jog, stop, lock and unlock, and break things on purpose."""

import json
import socket

from cns_core.twin.robot.motion_log import MotionReader
from cns_core.twin.robot.ports.pendant_server import PORT
from cns_core.twin.robot.robot import Refused

_ANSWER_TIMEOUT_S = 120.0


class Pendant:
    """Talks to the simulated control box listening on ``host``; a context manager.

    Every method returns when the thing is done and raises :class:`.Refused`,
    a ValueError, with the box's reason when it is not. Those that act return the time of the
    monotonic clock at which the box did it.

    Raises:
        ConnectionError: if no box listens there.
    """

    def __init__(self, host="127.0.0.1"):
        self._motion = MotionReader(host)
        self._socket = socket.create_connection((host, PORT), timeout=_ANSWER_TIMEOUT_S)
        self._answers = self._socket.makefile("r", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hang up; the box goes on."""
        self._answers.close()
        self._socket.close()

    def move_joints(self, q, speed_rad_s=0.5, acceleration=2.0):
        """Jog to joint angles (6,) in rad, all joints arriving together; waits for the arrival.

        Refused while a program plays and when the arm is stopped for safety.
        """
        q = [float(angle) for angle in q]
        return self._do("move_joints", q=q, speed_rad_s=speed_rad_s, acceleration=acceleration)

    def state(self):
        """The arm's newest :class:`~cns_core.twin.robot.motion_log.ArmState`."""
        return self._motion.state()

    def motion_log(self, since_s=0.0):
        """The :class:`.Motion` after a time, the last minute at most."""
        return self._motion.since(since_s)

    def status(self):
        """Dict of robot_mode, safety_mode, program_running, remote_control, stop_reason."""
        return self._ask("status")["result"]

    def stop_program(self):
        """Press stop: the program ends and the arm stops."""
        return self._do("stop_program")

    def set_remote_control(self, remote):
        """Switch between remote (True) and local control, which ends a client's program."""
        return self._do("set_remote_control", remote=bool(remote))

    def protective_stop(self):
        """Make the safety system stop the arm, as a collision would."""
        return self._do("protective_stop")

    def unlock(self):
        """Unlock a protective stop; refused until it is old enough."""
        return self._do("unlock")

    def emergency_stop(self):
        """Press the emergency stop: the arm stops and loses its power."""
        return self._do("emergency_stop")

    def release_emergency_stop(self):
        """Pull the emergency stop out; the arm still has to be switched on."""
        return self._do("release_emergency_stop")

    def switch_on(self):
        """Power on and release the brakes."""
        return self._do("switch_on")

    def inject(self, fault, **parameters):
        """Begin a fault of :class:`~cns_core.twin.robot.faults.Faults` by name."""
        return self._do("inject", fault=fault, **parameters)

    def clear(self, fault=None):
        """End one lasting fault, or all."""
        return self._do("clear", fault=fault)

    def faults(self):
        """Dict of the lasting faults in effect, name to parameters."""
        return self._ask("faults")["result"]

    def _do(self, action, **arguments):
        return self._ask(action, **arguments)["time_s"]

    def _ask(self, action, **arguments):
        self._socket.sendall(json.dumps({"do": action, **arguments}).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            raise ConnectionError("the simulated control box has hung up")
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer
