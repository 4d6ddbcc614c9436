"""Learned observers where the packages that they need are not installed."""

import subprocess
import sys
import warnings

import pytest

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer, preload
from cns_core.observers.learned.extra import PACKAGES, warn_of_sift_alone
from cns_core.observers.matching_observer import MatchingObserver
from cns_core.observers.tracking_observer import TrackingObserver
from cns_ros.nodes.observer_settings import ObserverSettings

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
COMMAND = r"pip install 'cns_ros\[learned\]'"


@pytest.fixture(params=PACKAGES)
def lacking(request, monkeypatch):
    """A package of the extra that cannot be imported."""
    monkeypatch.setitem(sys.modules, request.param, None)
    warn_of_sift_alone.cache_clear()
    yield request.param
    warn_of_sift_alone.cache_clear()


def test_importing_the_library_imports_nothing_of_the_extra():
    program = (
        "import sys, cns_core, cns_core.servo, cns_core.observers, cns_ros.nodes.observer_settings;"
        f"sys.exit(bool(set({PACKAGES}) & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["xfeat", "lightglue:weights.pth"])
@pytest.mark.parametrize("tracking", [False, True])
def test_without_the_extra_the_command_that_installs_it_is_named(lacking, name, tracking):
    with pytest.raises(ImportError, match=f"{lacking}.*{COMMAND}"):
        make_observer(name, CAMERA, tracking=tracking, background=False)
    with pytest.raises(ImportError, match=COMMAND):
        preload(name)


def test_without_the_extra_auto_is_sift_and_says_once_what_is_lost(lacking):
    with pytest.warns(UserWarning, match=f"SIFT alone.*tilted.*{COMMAND}"):
        made = make_observer("auto", CAMERA, tracking=True, background=False)
    assert type(made) is TrackingObserver
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert type(make_observer("auto", CAMERA)) is MatchingObserver
        preload("auto")


def test_the_node_refuses_what_it_cannot_do(lacking):
    for settings in ({"observer": "xfeat"}, {"observer": "lightglue", "lightglue_weights": "a"}):
        with pytest.raises(ValueError, match=COMMAND):
            ObserverSettings(**settings)
    assert ObserverSettings(observer="auto").observer_name == "auto"


@pytest.mark.parametrize(
    "settings", [{"observer": "lightglue"}, {"observer": "sift", "lightglue_weights": "a.pth"}]
)
def test_the_node_wants_lightglue_and_its_weights_together(settings):
    with pytest.raises(ValueError, match="go together"):
        ObserverSettings(**settings)
