"""Keypoints placed by several sets of matches, with a tool in view that may have more of them."""

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image
from support_photograph import CAMERA, tilted
from support_worker import Submitted

from cns_core.observers import placing
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.frame import Frame
from cns_core.observers.rematch import Rematcher
from cns_core.observers.track import Track
from cns_core.observers.tracker import Tracker
from cns_core.observers.verification import verify_scene

TOOL_FROM = 220
NOTHING = np.zeros((0, 2)), np.zeros((0, 2))


def agree(desired, current):
    return verify_scene(CAMERA.normalize(desired), CAMERA.normalize(current), 2.0 / CAMERA.focal)


class Seen:
    """A photograph seen from aside, and if ``tool`` a thing below TOOL_FROM that stays in place."""

    def __init__(self, angle_deg, tool=False):
        photograph = cv2.cvtColor(
            cv2.resize(load_sample_image("china.jpg"), (640, 480)), cv2.COLOR_RGB2GRAY
        )
        H, rng = tilted(angle_deg), np.random.default_rng(0)
        moved = cv2.warpPerspective(photograph, H, (640, 480), borderMode=cv2.BORDER_REFLECT)
        images = []
        for image in (photograph.astype(float), moved.astype(float)):
            if tool:
                image[TOOL_FROM:] = photograph[::-1][TOOL_FROM:]
            noisy = image + rng.normal(0, 2, image.shape)
            images.append(Frame.of(np.clip(noisy, 0, 255).astype(np.uint8)))
        desired, self.frame = images
        self.patches = DesiredPatches(desired, 300, None)
        self.tracker = Tracker(self.patches, agree)
        self.begun = Track.begin(self.patches.anchors).lost_in(self.frame.half)
        self.anchors = self.patches.anchors
        self.there = cv2.perspectiveTransform(self.anchors[:, None], H)[:, 0]
        self.on_tool = tool & (self.anchors[:, 1] >= TOOL_FROM)
        edge = TOOL_FROM - 15 if tool else 470
        inside = (self.there > 10).all(axis=1) & (self.there < (630, edge)).all(axis=1)
        self.visible = np.flatnonzero(inside & ~self.on_tool)

    def scene(self, count, noise_px=0.7):
        """So many matches of the scene, less precise than keypoints are."""
        rng = np.random.default_rng(1)
        k = rng.choice(self.visible, min(count, len(self.visible)), replace=False)
        return self.anchors[k], self.there[k] + rng.normal(0, noise_px, (len(k), 2))

    def tool(self, count):
        rng = np.random.default_rng(2)
        k = rng.choice(np.flatnonzero(self.on_tool), count, replace=False)
        return self.anchors[k], self.anchors[k] + rng.normal(0, 0.4, (count, 2))

    def placed(self, *found, track=None):
        return self.tracker.merge(self.begun if track is None else track, self.frame, found)

    def astray(self, track):
        """Number of keypoints followed that are not where the scene is."""
        gap = np.linalg.norm(track.sighted.pixels - self.there, axis=1)
        return int((gap[track.followed] > 3.0).sum())


def one_part(seen, where):
    k = seen.visible[where(seen.anchors[seen.visible])]
    return seen.anchors[k], seen.there[k]


def test_another_set_adds_what_the_first_did_not_place(monkeypatch):
    monkeypatch.setattr(placing, "_ROUNDS", 1)
    seen = Seen(50.0)
    left = one_part(seen, lambda at: at[:, 0] < 220)
    right = one_part(seen, lambda at: at[:, 0] > 420)
    both = seen.placed(left, right)
    assert both.count > 1.1 * max(seen.placed(left).count, seen.placed(right).count)
    assert seen.placed(right, left).count == both.count
    assert seen.placed(left, NOTHING).count == seen.placed(left).count > 20
    assert seen.placed(NOTHING, NOTHING) is seen.begun


def test_what_was_placed_leads_to_what_lies_beyond(monkeypatch):
    seen = Seen(65.0)
    few = seen.scene(25)
    spread = seen.placed(few)
    assert seen.astray(spread) < 0.1 * spread.count
    monkeypatch.setattr(placing, "_ROUNDS", 1)
    assert spread.count > 1.3 * seen.placed(few).count


def test_nothing_is_tried_twice_where_nothing_can_be_placed(monkeypatch):
    seen, tries = Seen(50.0), []
    align = DesiredPatches.align
    monkeypatch.setattr(DesiredPatches, "align", lambda *args: tries.append(1) or align(*args))
    noise = np.random.default_rng(0).integers(0, 255, (480, 640)).astype(np.uint8)
    seen.frame = Frame.of(noise)
    assert seen.placed(seen.scene(60), seen.scene(40)).count == 0
    assert len(tries) == 2


@pytest.mark.parametrize("scene", [60, 25])
def test_a_tool_with_more_keypoints_than_the_scene_is_not_placed(scene):
    seen = Seen(70.0, tool=True)
    track = seen.placed(seen.scene(scene), seen.tool(150))
    assert (track.followed & ~seen.on_tool).sum() > 40
    for _ in range(3):
        assert (track.followed & seen.on_tool).sum() < 5
        settled = seen.tracker.settle(track, seen.begun, anew=True)
        track = seen.tracker.follow(settled, seen.frame)


def test_a_small_set_does_not_keep_what_a_large_one_has_found_astray():
    seen = Seen(70.0, tool=True)
    on_tool = seen.placed(seen.tool(150))
    assert on_tool.count > 100
    matches = seen.scene(150, noise_px=0.0)
    many = tuple(np.vstack([pixels + shift for shift in (0.0, 3.0, -3.0)]) for pixels in matches)
    track = seen.placed(many, seen.tool(12), track=on_tool)
    assert (track.followed & ~seen.on_tool).sum() > 20
    assert (track.followed & seen.on_tool).sum() < 5


def test_a_larger_set_that_moved_otherwise_adds_nothing(monkeypatch):
    monkeypatch.setattr(placing, "_ROUNDS", 1)
    seen = Seen(50.0)
    first = one_part(seen, lambda at: at[:, 0] < 120)
    there = one_part(seen, lambda at: at[:, 0] > 250)
    otherwise = there[0], there[1] + (-90.0, 120.0)
    assert len(otherwise[0]) > 2 * seen.placed(first).count > 40
    track = seen.placed(first)
    assert len(seen.tracker._placing._going_along(track, otherwise)[0]) == 0
    assert len(seen.tracker._placing._going_along(track, there)[0]) > 0.9 * len(there[0])


def test_the_heaviest_set_of_those_that_finish_together_comes_first():
    seen = Seen(20.0)
    worker, half = Submitted(), seen.frame.half
    rematcher = Rematcher(worker, worker, worker)
    some, more = seen.scene(30), seen.scene(90)
    rematcher.submit(lambda frame: [some], seen.frame, patient=False)
    rematcher.search(lambda frame: [more, NOTHING], seen.frame)
    for job in worker.jobs:
        job.result(timeout=30)
    assert [len(desired) for desired, _ in rematcher.poll(half)] == [90, 30, 0]
    rematcher.submit(lambda frame: [], seen.frame, patient=False)
    worker.jobs[-1].result(timeout=30)
    assert rematcher.poll(half) == []
    rematcher.close()
