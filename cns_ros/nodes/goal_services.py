"""The services of goals with names, and the way from a goal to the observer's desired image."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
from rcl_interfaces.msg import Parameter as ParameterMessage
from rclpy.callback_groups import CallbackGroup
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from cns_core.geometry.camera import PinholeCamera
from cns_core.goals.goal import Goal, GoalInfo
from cns_core.goals.store import Entry, GoalStore
from cns_interfaces.msg import GoalInfo as GoalInfoMessage
from cns_interfaces.srv import DeleteGoal, ListGoals, LoadGoal, RenameGoal, SaveGoal
from cns_ros.nodes.camera_view import CameraView
from cns_ros.nodes.servo_peers import CONTROLLER, OBSERVER, Peers
from cns_ros.nodes.supervisor_settings import SupervisorSettings
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.poses_twists import pose_message
from cns_ros.ros.qos import LATCHED

_IMAGE_S, _ANSWER_S = 3.0, 5.0
_PRIOR = "depth_prior"


class GoalServices:
    """Offers ``~/save_goal``, ``~/list_goals``, ``~/load_goal``, and to rename and delete.

    Args:
        node: the rclpy node, spun by an executor of several threads.
        settings: its parameters.
        peers: the nodes that use goals.
        group: a reentrant one, of the services, which wait.
    """

    def __init__(
        self, node: GuardedNode, settings: SupervisorSettings, peers: Peers, group: CallbackGroup
    ) -> None:
        self._node, self._peers = node, peers
        self.store = GoalStore(settings.goals_folder)
        self._mask: np.ndarray | None = None
        node.create_subscription(
            Image, f"{OBSERVER}/mask", self._on_mask, LATCHED, callback_group=group
        )
        self._view = CameraView(node, settings.image_transport, settings.rectified)
        self._controller = AsyncParameterClient(node, CONTROLLER, callback_group=group)
        services: dict[type, Callable[[Any], str]] = {
            SaveGoal: self._save,
            LoadGoal: lambda request: self.make_desired(request.name),
            RenameGoal: lambda request: f"renamed to {self._rename(request)}",
            DeleteGoal: self._delete,
        }
        for kind, act in services.items():
            self._offer(kind, _served(act), group)
        self._offer(ListGoals, self._list, group)

    def make_desired(self, name: str) -> str:
        """Make a saved goal the observer's desired image; what the observer says.

        Raises:
            ValueError: if there is no such goal, another camera took it, or it is refused.
        """
        goal = self.store.load(name, self._view.known_camera())
        stamp = self._node.get_clock().now().to_msg()
        message = encode(goal.image, Header(stamp=stamp, frame_id="goal"), goal.mask)
        is_set, said = self._peers.set_desired(message, _ANSWER_S)
        if not is_set:
            raise ValueError(f"goal {name!r} is refused: {said}")
        if (depth_m := goal.info.depth_prior_m) is not None:
            self._set_prior(depth_m)
        return said

    def _offer(self, kind: type, serve: Callable[[Any, Any], Any], group: CallbackGroup) -> None:
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__)
        self._node.create_service(kind, f"~/{words[1:]}", serve, callback_group=group)

    def _save(self, request: SaveGoal.Request) -> str:
        view = self._view.take(_IMAGE_S)
        info = GoalInfo(
            camera=view.camera,
            time=datetime.now().astimezone().isoformat(timespec="seconds"),
            pose=view.pose,
            frame=view.frame,
            depth_prior_m=self._prior(),
        )
        goal = Goal(info, view.image, self._mask_of(view.camera))
        name = self.store.save(request.name, goal, replace=request.replace)
        pose = "with" if view.pose is not None else "without"
        return f"saved {name!r} in {self.store.folder}, {pose} the camera's pose"

    def _on_mask(self, message: Image) -> None:
        self._mask = decode(message)

    def _mask_of(self, camera: PinholeCamera) -> np.ndarray | None:
        """What the observer leaves out of the camera's images, None for nothing."""
        mask = self._mask
        fits = mask is not None and mask.shape == (camera.height, camera.width)
        return mask if fits else None

    def _rename(self, request: RenameGoal.Request) -> str:
        return self.store.rename(request.name, request.to)

    def _delete(self, request: DeleteGoal.Request) -> str:
        self.store.delete(request.name)
        return f"deleted {request.name!r}"

    def _list(self, _: ListGoals.Request, response: ListGoals.Response) -> ListGoals.Response:
        entries = self.store.list()
        response.success = True
        response.message = f"{sum(not each.problem for each in entries)} in {self.store.folder}"
        response.goals = [self._message(each) for each in entries]
        return response

    def _message(self, entry: Entry) -> GoalInfoMessage:
        # A name that is none of ours may have what no message holds.
        name = entry.name.encode("utf-8", "replace").decode()
        folder = str(self.store.folder / name)
        message = GoalInfoMessage(name=name, problem=entry.problem, folder=folder)
        message.depth_prior = math.nan
        if (info := entry.info) is None:
            return message
        message.time, message.width, message.height = (
            info.time,
            info.camera.width,
            info.camera.height,
        )
        if info.depth_prior_m is not None:
            message.depth_prior = info.depth_prior_m
        if info.pose is not None:
            message.has_pose = True
            message.camera_pose = pose_message(info.pose, Header(frame_id=info.frame))
        return message

    def _prior(self) -> float | None:
        """The controller's depth prior in m, None where it has none or does not say."""
        try:
            depth_m = float(_value(_result(self._controller.get_parameters([_PRIOR]))))
        except (TypeError, ValueError):
            return None
        return depth_m if 0.0 < depth_m < math.inf else None

    def _set_prior(self, depth_m: float) -> None:
        now = _value(_result(self._controller.get_parameters([_PRIOR])))
        if now is None:
            raise ValueError(f"{CONTROLLER} does not tell its {_PRIOR}: is it running?")
        # It may be a word, such as 'auto', and is a text then.
        value = str(depth_m) if isinstance(now, str) else depth_m
        done = _result(self._controller.set_parameters([Parameter(_PRIOR, value=value)]))
        if done is None or not done.results[0].successful:
            reason = "no answer" if done is None else done.results[0].reason
            raise ValueError(f"{CONTROLLER} refuses {_PRIOR} {depth_m:g}: {reason}")


def _served(act: Callable[[Any], str]) -> Callable[[Any, Any], Any]:
    """A service with success and message from what tells how it went."""

    def serve(request: Any, response: Any) -> Any:
        response.message = act(request)
        response.success = True
        return response

    return serve


def _value(answer: Any) -> Any:
    """The first parameter of an answer, None if there is none."""
    if answer is None or not answer.values:
        return None
    return Parameter.from_parameter_msg(ParameterMessage(name=_PRIOR, value=answer.values[0])).value


def _result(future: Future) -> Any:
    """What a service answers, None if it does not; another thread spins the node."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    return future.result() if done.wait(_ANSWER_S) else None
