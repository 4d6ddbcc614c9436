"""One episode of the whole suite on the twin, watched by somebody who only looks at the graph."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from cns_ros.ros.client import GraphClient

PATIENT = Path(__file__).parent / "data" / "patient.yaml"


class EpisodeRun:
    """`make servo` with a recording, from its start to its end.

    Attributes:
        returncode, output, errors: of the bring-up.
        out: folder of its report.
        recording: the MCAP file.
        topics, services: types by name, of all that was in the graph.
    """

    def __init__(self, folder, host, domain):
        self.out, self.recording = folder / "out", folder / "episode.mcap"
        self.topics, self.services = defaultdict(set), defaultdict(set)
        command = [sys.executable, "-m", "cns_ros.bringup", "--sim", "--seed", "3"]
        command += ["--controller", "ibvs", "--robot-ip", host, "--record", str(self.recording)]
        command += ["--params-file", str(PATIENT)]
        logs = folder / "output", folder / "errors"
        with logs[0].open("w") as output, logs[1].open("w") as errors:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
                stdout=output,
                stderr=errors,
            )
            self._watch(process, domain)
        self.returncode = process.returncode
        self.output, self.errors = (log.read_text() for log in logs)

    def _watch(self, process, domain):
        client = GraphClient(domain, told_by=())
        try:
            while process.poll() is None:
                for found, now in (
                    (self.topics, client.node.get_topic_names_and_types()),
                    (self.services, client.node.get_service_names_and_types()),
                ):
                    for name, types in now:
                        found[name].update(types)
                client.spin(0.3)
        finally:
            client.close()
            process.kill()
            process.wait()
