"""A worker thread whose jobs a test can wait for."""

from concurrent.futures import ThreadPoolExecutor


class Submitted(ThreadPoolExecutor):
    """A worker thread that keeps what it was given to do."""

    def __init__(self):
        super().__init__(1, "rematch")
        self.jobs = []

    def submit(self, *job):
        self.jobs.append(super().submit(*job))
        return self.jobs[-1]
