"""docs/parameters.md is what the settings of today say, for every node there is."""

from cns_core.share import share_directory
from cns_ros.__main__ import NODES
from cns_ros.bringup.reference import SETTINGS, reference


def test_the_page_is_current():
    page = share_directory() / "docs" / "parameters.md"
    assert page.read_text() == reference(), "run python -m cns_ros.bringup.reference > " + str(page)


def test_no_node_is_left_out():
    assert SETTINGS.keys() == NODES.keys()


def test_a_parameter_stands_there_with_all_that_is_known_of_it():
    row = next(line for line in reference().splitlines() if line.startswith("| `max_keypoints`"))
    assert row.split(" | ")[1:5] == ["`300`", "", "16 to 4096", "fixed"]
    assert "most keypoints taken" in row
