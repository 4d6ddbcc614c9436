"""Makes the pictures of docs/gallery.md: python docs/draw_gallery.py [simulation | operation]

Each brings the suite up on the twin and does what the page says; some minutes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from draw_markers import in_space, pose_of, through_camera  # noqa: E402
from geometry_msgs.msg import PoseStamped, TwistStamped  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from cns_core.goals.store import GoalStore  # noqa: E402
from cns_core.twin.robot.pendant import Pendant  # noqa: E402
from cns_core.twin.workcell import CAMERA, Workcell  # noqa: E402
from cns_ros.ros.client import GraphClient  # noqa: E402
from cns_ros.ros.image_codec import decode  # noqa: E402
from cns_ros.ros.poses_twists import pose_from_message, twist_from_message  # noqa: E402
from cns_ros.ros.qos import NEWEST, OFFERED  # noqa: E402
from cns_ros.sim.twin import load_hand_eye  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "gallery"
SEED, DOMAIN, HOST = 1, 91, "127.0.0.91"
PATIENT = ROOT / "test" / "data" / "patient.yaml"
CHANGES = (0.8, 0.05), (2.3, 0.25)
"""When max_linear is set, s after the first twist, and to what, m/s."""
KEPT_M = 0.08


def simulation(folder: Path) -> None:
    """An episode, its recording, and the replay of that."""
    with suite(folder, "--record", "episode.mcap") as process:
        process.wait()
    keep(folder / "out" / "views.png", "simulation")
    command = [sys.executable, "-m", "cns_ros.cli", "replay", "episode.mcap", "--out", "replay"]
    done = subprocess.run(command, cwd=folder, env=surroundings(folder), text=True, stdout=-1)
    print(done.stdout)
    keep(folder / "replay" / "curves.png", "replay")


def operation(folder: Path) -> None:
    """Goals, a sequence, a change of a parameter on the way, and what the screen shows then."""
    with suite(folder, "--no-episode"):
        watch = Watch()
        try:
            watch.client.until(lambda: watch.image is not None, "an image")
            q_goal, q_start = Workcell(SEED, load_hand_eye("").T_flange_camera).episode()
            with Pendant(HOST) as pendant:
                save_goals(folder, pendant, q_goal, q_start)
                pendant.move_joints(q_start, speed_rad_s=0.8)
                watch.begin()
                watch.follow(folder, "servo_sequence.py", "above", "home")
                draw_sequence(watch, GoalStore(folder / ".ros" / "cns_goals"))
                pendant.move_joints(q_start, speed_rad_s=0.8)
                watch.begin()
                watch.follow(folder, "servo_action.py", "home", change=True)
                draw_change(watch)
                draw_screen(watch)
        finally:
            watch.client.close()


def save_goals(folder: Path, pendant: Pendant, q_goal: np.ndarray, q_start: np.ndarray) -> None:
    """Save two views as a user does."""
    for name, share in (("home", 0.0), ("above", 0.4)):
        pendant.move_joints(q_goal + share * (q_start - q_goal), speed_rad_s=0.8)
        command = [sys.executable, "-m", "cns_ros.cli", "goals", "save", name, "--replace"]
        subprocess.run(command, cwd=folder, env=surroundings(folder), check=True)


class Watch:
    """What is seen of the graph while an example runs.

    Attributes:
        client: hears the graph.
        image, debug: newest images.
        markers: newest of each topic.
        kept: image, debug, markers and pose at the moment that the screen's picture shows.
        poses, twists: with the times they came, since :meth:`begin`.
        changes: times and values of the parameter that was changed.
    """

    def __init__(self) -> None:
        self.client = GraphClient(DOMAIN, told_by=("controller", "ur_driver"))
        self.image = self.debug = None
        self.markers: dict[str, MarkerArray] = {}
        self.kept: tuple = ()
        self.begin()
        hear = self.client.node.create_subscription
        hear(Image, "image", lambda m: setattr(self, "image", m), NEWEST)
        hear(Image, "observer/debug_image", lambda m: setattr(self, "debug", m), NEWEST)
        hear(PoseStamped, "tcp_pose", lambda m: self._note("poses", pose_from_message(m)), NEWEST)
        hear(TwistStamped, "twist", lambda m: self._note("twists", twist_from_message(m)), NEWEST)
        for name in ("graph", "structure", "motion"):
            take = lambda m, name=name: self.markers.__setitem__(name, m)  # noqa: E731
            hear(MarkerArray, f"controller/{name}", take, OFFERED)

    def begin(self) -> None:
        """Forget what was."""
        self.poses, self.twists, self.changes = [], [], []
        self._began = time.monotonic()

    def follow(self, folder: Path, example: str, *goals: str, change: bool = False) -> None:
        """Run an example to its end; with ``change`` the camera is slowed down for a while."""
        command = [sys.executable, str(ROOT / "examples" / example), *goals, "--arm"]
        process = subprocess.Popen(command, cwd=folder, env=surroundings(folder))
        while process.poll() is None:
            self.client.spin(0.1)
            if change and self.twists:
                self._change_and_keep(time.monotonic() - self._began - self.twists[0][0])
        if process.returncode:
            raise RuntimeError(f"{example} ended with {process.returncode}")

    def _change_and_keep(self, since_s: float) -> None:
        """Change the parameter in time, and keep what is seen half-way."""
        if len(self.changes) < len(CHANGES) and since_s > CHANGES[len(self.changes)][0]:
            value = CHANGES[len(self.changes)][1]
            self.client.set_parameters("controller", max_linear=value)
            self.changes.append((time.monotonic() - self._began, value))
        known = "structure" in self.markers and not self.markers["structure"].markers[1].action
        if known and np.linalg.norm(self._left()) > KEPT_M:
            self.kept = self.image, self.debug, dict(self.markers), self.poses[-1][1]

    def _left(self) -> np.ndarray:
        """What the goal's marker says of the way, (3,) m in the camera's frame."""
        return pose_of(self.markers["structure"].markers[1])[:3, 3]

    def _note(self, what: str, value: np.ndarray) -> None:
        getattr(self, what).append((time.monotonic() - self._began, value))


def draw_sequence(watch: Watch, store: GoalStore) -> None:
    """The saved views, and the distance to each of them over time."""
    figure, axes = plt.subplots(
        1, 3, figsize=(12, 3), width_ratios=(1, 1, 1.4), dpi=80, layout="constrained"
    )
    times, poses = zip(*watch.poses, strict=True)
    for ax, name, colour in zip(axes, ("above", "home"), ("C0", "C2"), strict=False):
        goal = store.load(name)
        ax.imshow(cv2.cvtColor(goal.image, cv2.COLOR_BGR2RGB))
        ax.set_title(f"cns goals save {name}", color=colour)
        ax.set_axis_off()
        away = [1e3 * np.linalg.norm(pose[:3, 3] - goal.info.pose[:3, 3]) for pose in poses]
        axes[2].semilogy(times, np.maximum(away, 1e-3), color=colour, label=f"to {name}")
    axes[2].set(xlabel="s", ylabel="distance, mm", title="servo_sequence.py above home --arm")
    axes[2].legend()
    save(figure, "sequence")


def draw_change(watch: Watch) -> None:
    """The commanded speed, and the moments at which the limit was set."""
    figure, ax = plt.subplots(figsize=(8, 3), dpi=80, layout="constrained")
    times, twists = zip(*watch.twists, strict=True)
    ax.plot(times, [1e3 * np.linalg.norm(t[:3]) for t in twists])
    for time_s, value in watch.changes:
        ax.axvline(time_s, color="C3", lw=1)
        ax.annotate(f" max_linear {value}", (time_s, 0.9), xycoords=("data", "axes fraction"))
    ax.set(xlabel="s", ylabel="commanded speed, mm/s")
    save(figure, "parameter")


def draw_screen(watch: Watch) -> None:
    """What rviz and Foxglove are given at one moment of the way."""
    image, debug, markers, T_base_camera = watch.kept
    plt.style.use("dark_background")
    figure = plt.figure(figsize=(12, 6), dpi=80)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.95, hspace=0.15)
    for place, message, title in ((231, debug, "/observer/debug_image"), (234, image, "/image")):
        ax = figure.add_subplot(place)
        ax.imshow(cv2.cvtColor(decode(message), cv2.COLOR_BGR2RGB))
        ax.set_title(title if message is debug else "/controller/graph over /image", fontsize=9)
        ax.set(xlim=(0, CAMERA.width), ylim=(CAMERA.height, 0))
        ax.set_axis_off()
        if message is image:
            through_camera(ax, markers["graph"], CAMERA)
    space = figure.add_axes((0.38, 0.0, 0.6, 0.95), projection="3d")
    frames = {"base": np.eye(4), "camera_optical_frame": T_base_camera}
    for name in ("structure", "motion"):
        in_space(space, markers[name], frames)
    space.set_aspect("equal")
    space.view_init(elev=20, azim=-60)
    for axis in (space.xaxis, space.yaxis, space.zaxis):
        axis.set_pane_color((0.1, 0.1, 0.1, 1.0))
        axis._axinfo["grid"]["color"] = (0.25, 0.25, 0.25, 1.0)
    space.set_title("/controller/structure and /controller/motion, in the frame base", fontsize=9)
    save(figure, "screen")


def save(figure, name: str) -> None:
    """Write a figure."""
    figure.savefig(PICTURES / f"{name}.jpg", pil_kwargs={"quality": 80})
    plt.close(figure)


def keep(path: Path, name: str, width: int = 1000) -> None:
    """Keep a picture that the suite has written, smaller."""
    image = cv2.imread(str(path))
    size = width, round(image.shape[0] * width / image.shape[1])
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PICTURES / f"{name}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 80])


def surroundings(folder: Path) -> dict[str, str]:
    """Environment of whatever is started: a graph and a home of its own."""
    mine = {"ROS_DOMAIN_ID": str(DOMAIN), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return {**os.environ, **mine, "HOME": str(folder), "PYTHONPATH": str(ROOT)}


@contextmanager
def suite(folder: Path, *words: str) -> Iterator[subprocess.Popen]:
    """The whole suite on the twin."""
    command = [sys.executable, "-m", "cns_ros.bringup", "--sim", "--seed", str(SEED)]
    command += ["--robot-ip", HOST, "--params-file", str(PATIENT), *words]
    process = subprocess.Popen(
        command, cwd=folder, env=surroundings(folder), start_new_session=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def main() -> None:
    """Draw what is asked for, or all."""
    PICTURES.mkdir(exist_ok=True)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for name in sys.argv[1:] or ("simulation", "operation"):
        with tempfile.TemporaryDirectory() as folder:
            {"simulation": simulation, "operation": operation}[name](Path(folder))


if __name__ == "__main__":
    main()
