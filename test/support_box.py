"""Helpers for tests against the simulated control box."""

import contextlib
import itertools
import os
import time

from cns_core.twin.robot.control_box import ControlBox

_serial = itertools.count()


def own_address():
    """A loopback address for a box that lives as long as a test module."""
    high, low = divmod((os.getpid() * 16 + next(_serial)) % 62000, 250)
    return f"127.79.{high}.{low + 2}"


def wait_until(condition, timeout_s=20.0):
    """Poll a condition until it is true; AssertionError if it never is."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{condition} not met within {timeout_s} s"
        time.sleep(0.002)


def wait_for_standstill(box):
    """Wait until the arm's joints rest, and return the state then."""
    wait_until(lambda: not box.state().qd.any())
    return box.state()


@contextlib.contextmanager
def quick_box(host=None, **options):
    """A control box whose protective stops may be unlocked soon."""
    with ControlBox(host or own_address(), unlock_delay_s=0.05, **options) as box:
        yield box
