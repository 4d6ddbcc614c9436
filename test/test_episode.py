"""One whole episode: the real graph, the real wire, from the service call to the report."""

import json
import re
from collections import Counter

import cv2

from cns_core.record.session_trace import SessionCall
from cns_ros.recording.bag_reader import BagReader


def test_the_arm_returns_to_where_the_picture_was_taken(episode_run):
    assert episode_run.returncode == 0, episode_run.output + episode_run.errors
    lines = episode_run.output.strip().splitlines()
    last = [line for line in lines if not line.startswith("record: ")][-1]
    assert last.startswith("servo: converged ")
    figures = {k: float(v) for k, v in re.findall(r"(\w+)=(\S+)", last)}
    assert figures["rotation_error_deg"] < 0.3
    assert figures["translation_error_mm"] < 1.0

    [verdict] = [line for line in lines if "episode: verdict " in line]
    assert re.search(r"odometry (tcp_pose|twists), depth prior 0\.\d+ m \(structure\)", verdict)

    record = json.loads((episode_run.out / "episode.json").read_text())
    assert record["result"]["status"] == "converged"
    off_mm = abs(record["result"]["remaining_mm"] - record["result"]["translation_error_mm"])
    assert off_mm < 3.0 * record["result"]["remaining_mm_bound"]
    assert record["figures"]["initial_rotation_error_deg"] >= 29.0
    assert record["figures"]["initial_translation_error_mm"] >= 95.0
    images = {n: record["figures"][f"images_{n}"] for n in ("published", "observed", "lost")}
    assert images["observed"] > 20
    assert images["published"] == images["observed"] + images["lost"]
    assert 0.0 < record["figures"]["image_age_s_p50"] <= record["figures"]["image_age_s_p99"]
    assert record["figures"]["twists"] == figures["steps"]
    samples = (episode_run.out / "episode.csv").read_text().splitlines()
    assert len(samples) == 1 + figures["steps"]
    for picture in ("views", "path", "curves", "graph"):
        assert cv2.imread(str(episode_run.out / f"{picture}.png")) is not None


def test_the_episode_is_recorded_from_the_goal_to_the_rest(episode_run):
    bag = BagReader(episode_run.recording)
    calls = [SessionCall.from_text(each.message().data) for each in bag.entries("controller/trace")]
    counts = Counter(each.topic for each in bag.entries())
    assert bag.complete
    names = [call.name for call in calls]
    assert names[names.index("start") :].count("take") > 20
    for topic in ("/image/compressed", "/matches", "/tcp_pose", "/twin/ground_truth"):
        assert counts[topic] > 20, topic
    assert counts["/observer/goal"] == 1
    assert bag.parameters("controller")["controller"] == "ibvs"
