"""The arm's joints in a JointState, which others publish their own joints on as well."""

import numpy as np
from sensor_msgs.msg import JointState

UR_JOINTS = tuple(
    f"{joint}_joint"
    for joint in ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
)


def joints_by_name(
    message: JointState, names: tuple[str, ...] = UR_JOINTS
) -> tuple[np.ndarray, np.ndarray | None]:
    """Angles (n,) in rad and speeds (n,) in rad/s of the named joints, in the names' order.

    The order of the message is its sender's: alphabetical, or with a gripper in between. A prefix
    common to all of the arm's joints (``left_elbow_joint``) is allowed for.

    Returns:
        The angles, and the speeds or None where the message has none.

    Raises:
        ValueError: naming the joints that are missing, doubled, or not finite.
    """
    index = [_index(message.name, name) for name in names]
    prefixes = {message.name[i][: -len(name)] for i, name in zip(index, names, strict=True)}
    if len(prefixes) > 1:
        raise ValueError(f"joint_states name several arms: {sorted(prefixes)}")
    if len(message.position) != len(message.name):
        raise ValueError(
            f"joint_states have {len(message.name)} names, but {len(message.position)} positions"
        )
    q = np.array([message.position[i] for i in index])
    if not np.isfinite(q).all():
        raise ValueError(f"joint_states are not finite: {q.tolist()}")
    if len(message.velocity) != len(message.name):
        return q, None
    qd = np.array([message.velocity[i] for i in index])
    return q, qd if np.isfinite(qd).all() else None


def _index(found: list[str], name: str) -> int:
    places = [i for i, each in enumerate(found) if each == name]
    places = places or [i for i, each in enumerate(found) if each.endswith(name)]
    if len(places) != 1:
        what = "no joint" if not places else f"{len(places)} joints"
        raise ValueError(f"joint_states have {what} named {name}, but {list(found)}")
    return places[0]
