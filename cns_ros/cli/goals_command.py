"""`cns goals`: the goals that a running supervisor keeps."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import rclpy
from rclpy.node import Node

from cns_interfaces.srv import DeleteGoal, ListGoals, LoadGoal, RenameGoal, SaveGoal

_READY_S, _ANSWER_S = 5.0, 30.0
_KINDS: dict[str, Any] = {
    "list": ListGoals,
    "save": SaveGoal,
    "load": LoadGoal,
    "rename": RenameGoal,
    "delete": DeleteGoal,
}


def main() -> int:
    """Entry point: 0 if the supervisor did it, 1 if it refused or does not answer."""
    words = _parser().parse_args()
    fields = {k: v for k, v in vars(words).items() if k not in ("what", "supervisor")}
    kind = _KINDS[words.what]
    service = f"{words.supervisor}/{words.what}_goal{'s' if words.what == 'list' else ''}"
    rclpy.init()
    node = rclpy.create_node("cns_goals")
    try:
        answer = _call(node, kind, service, kind.Request(**fields))
    except TimeoutError as reason:
        print(f"cns goals: {reason}", file=sys.stderr)
        return 1
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    for goal in getattr(answer, "goals", ()):
        print(f"{goal.name}: {goal.problem}" if goal.problem else goal.name)
    if not answer.success or words.what != "list":
        print(answer.message, file=sys.stdout if answer.success else sys.stderr)
    return 0 if answer.success else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cns goals", description=__doc__)
    parser.add_argument("--supervisor", default="supervisor", help="name of its node")
    actions = parser.add_subparsers(dest="what", required=True)
    actions.add_parser("list", help="their names")
    save = actions.add_parser("save", help="what the camera sees now")
    save.add_argument("name")
    save.add_argument("--replace", action="store_true", help="also where the name is taken")
    actions.add_parser("load", help="make one the desired image").add_argument("name")
    rename = actions.add_parser("rename", help="give one another name")
    rename.add_argument("name")
    rename.add_argument("to")
    actions.add_parser("delete", help="forget one").add_argument("name")
    return parser


def _call(node: Node, kind: type, service: str, request: Any) -> Any:
    client = node.create_client(kind, service)
    if not client.wait_for_service(timeout_sec=_READY_S):
        raise TimeoutError(
            f"{client.srv_name} is not there: start the suite (`cns servo`), or name its "
            "supervisor by --supervisor"
        )
    future = client.call_async(request)
    rclpy.spin_until_future_complete(node, future, timeout_sec=_ANSWER_S)
    if (answer := future.result()) is None:
        raise TimeoutError(f"{client.srv_name} does not answer")
    return answer


if __name__ == "__main__":
    raise SystemExit(main())
