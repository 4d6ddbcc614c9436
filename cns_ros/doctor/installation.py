"""Python, the packages, and the weights."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cns_core.share import share_directory
from cns_ros.doctor.finding import Finding, fail, ok, skipped, warn
from cns_ros.doctor.settings import DoctorSettings

_OLDEST, _NEWEST = (3, 10), (3, 12)
_NEEDED = (
    *("numpy", "opencv-python-headless", "pyyaml", "safetensors", "scikit-learn", "scipy"),
    "threadpoolctl",
)
"""What setup.py requires."""
_MODULES = {"opencv-python-headless": "cv2", "pyyaml": "yaml", "scikit-learn": "sklearn"}
_EXTRAS = {
    "ur-rtde": ("arm", "only the backends that go through ROS reach an arm"),
    "matplotlib": ("sim", "no twin, no pictures"),
}
"""Package: the extra of setup.py that brings it, and what is missing without it."""
_SUMS = "SHA256SUMS"


def examine_installation(settings: DoctorSettings) -> Iterator[Finding]:
    """Look at what is installed."""
    yield _python()
    yield _packages()
    for name, (extra, loss) in _EXTRAS.items():
        found = _version(name)
        remedy = f"in the checkout, pip install '.[{extra}]'"
        yield ok(name, found) if found else warn(name, f"not installed: {loss}", remedy)
    yield _torch()
    yield _weights(settings.weights)


def _python() -> Finding:
    current = sys.version_info[:2]
    seen = f"{sys.version.split()[0]} ({sys.executable})"
    if _OLDEST <= current <= _NEWEST:
        return ok("python", seen)
    wanted = f"use Python {_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}"
    if current < _OLDEST:
        return fail("python", seen, wanted)
    return warn("python", f"{seen}: ur-rtde has no wheel for it", wanted)


def _torch() -> Finding:
    """Servoing does without PyTorch, so that its absence is no fault."""
    if found := _version("torch"):
        return ok("torch", found)
    return skipped(
        "torch",
        "not installed: no training, no learned observers",
        "where they are wanted, in the checkout, pip install '.[train]' or '.[learned]'",
    )


def _packages() -> Finding:
    found = {name: _version(name) for name in _NEEDED}
    seen = ", ".join(f"{name} {number or 'missing'}" for name, number in found.items())
    # Debian's packages bring the modules under other names: what is imported counts.
    missing = [name for name, number in found.items() if not number and not _imports(name)]
    if missing:
        return fail("packages", seen, "in the checkout, pip install .")
    return ok("packages", seen)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _imports(name: str) -> bool:
    from importlib.util import find_spec

    module = _MODULES.get(name, name)
    return find_spec(module) is not None


def _weights(path: str) -> Finding:
    """Whether the weights load, and whether the ones shipped are what was shipped."""
    try:
        from cns_core.policy.weights import default_weights, load_policy

        file = Path(path) if path else default_weights()
        load_policy(file)
    except ModuleNotFoundError as error:
        return skipped("weights", f"{error.name} is missing", "pip install .; or controller:=ibvs")
    except (ValueError, OSError) as error:
        return fail("weights", str(error), "copy the file anew; weights:= names another")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    seen = f"{file}, sha256 {digest[:12]}"
    if not path and digest != shipped_digest():
        remedy = f"reinstall, or name weights of your own by weights:= (models/{_SUMS} has the sum)"
        return fail("weights", f"{seen}: not what was shipped", remedy)
    return ok("weights", seen)


def shipped_digest() -> str:
    """SHA-256 of the weights as shipped, from ``models/SHA256SUMS``; empty where that is gone."""
    try:
        return (share_directory() / "models" / _SUMS).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError):
        return ""
