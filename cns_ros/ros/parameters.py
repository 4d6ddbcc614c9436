"""Settings as parameters of a node: unit, range and choices stand in the descriptor."""

from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from cns_core.settings import (
    Description,
    all_settings,
    described,
    name_of,
    nearest,
    nested,
    refusal,
)

_ROS_OWN = ("use_sim_time", "start_type_description_service")

Group = TypeVar("Group")


def declare_all(node: Node, group: type[Group], **given: Any) -> Group:
    """Declare every setting of a dataclass as a parameter of ``node``; its values as an instance.

    Settings that are not ``live`` become read-only. A bad value is refused with a reason, at start
    as an exception and later as a failed set. Nested groups are declared with it.

    Args:
        group: a dataclass of :mod:`cns_core.settings`.
        given: values of fields that are no parameters.

    Raises:
        rclpy.exceptions.ParameterException: if a value given at start is refused.
        ValueError: if the values do not go together.
    """
    declare_settings(node, group)
    return read_all(node, group, **given)


def declare_settings(node: Node, group: type) -> None:
    """The first half of :func:`declare_all`, for values that are not all needed.

    Raises:
        rclpy.exceptions.ParameterException: as :func:`declare_all`.
    """
    for each, description in all_settings(group):
        _declare(node, name_of(each), each.default, description)


def refuse_unknown(node: Node) -> None:
    """Refuse what was given at start to a parameter that the node does not have.

    rclpy passes over it: a limit that is misspelt would be none at all.

    Raises:
        ValueError: naming it, and the nearest that there is.
    """
    known = list(node.get_parameters_by_prefix(""))
    # rclpy has no public way to ask for what was given and not declared.
    for name in node._parameter_overrides:
        if name not in known and not name.startswith("qos_overrides."):
            raise ValueError(f"{node.get_name()} has no parameter {name!r}{nearest(name, known)}")


def in_effect(node: Node) -> str:
    """All parameters of a node with their present values, in one line."""
    known = set(node.get_parameters_by_prefix("")) - set(_ROS_OWN)
    given = node._parameter_overrides  # as in refuse_unknown
    names = sorted(n for n in known if not n.startswith("qos_overrides.") or n in given)
    return ", ".join(f"{name}: {node.get_parameter(name).value}" for name in names)


def read_all(node: Node, group: type[Group], **given: Any) -> Group:
    """The present values of what :func:`declare_all` declared, as an instance.

    Raises:
        ValueError: if the values do not go together.
    """
    values = dict(given)
    for each, description in described(group):
        value = node.get_parameter(name_of(each)).value
        values[each.name] = tuple(value) if isinstance(each.default, tuple) else value
        if description.literals and isinstance(value, int):
            values[each.name] = float(value)
    for name, inner in nested(group):
        values[name] = read_all(node, inner)
    return group(**values)


class Live(Generic[Group]):
    """The present values of a group of settings, read anew only when one of them is set.

    Args:
        node, group: as of :func:`declare_all`, which this begins with.

    Attributes:
        value: an instance of the group.

    Raises:
        rclpy.exceptions.ParameterException: as :func:`declare_all`.
        ValueError: as :func:`declare_all`.
    """

    def __init__(self, node: Node, group: type[Group]) -> None:
        self._node, self._group = node, group
        self.value = declare_all(node, group)
        # Called after the new values were accepted.
        node.add_post_set_parameters_callback(self._renew)

    def _renew(self, _: list[Parameter]) -> None:
        self.value = read_all(self._node, self._group)


def _declare(node: Node, name: str, default: Any, description: Description) -> None:
    descriptor = ParameterDescriptor(
        description=description.words,
        additional_constraints=_constraints(default, description),
        read_only=not description.live,
        # Only so may it be a number now and a word then.
        dynamic_typing=bool(description.literals),
    )
    if description.range and isinstance(default, float):
        low, high = map(float, description.range)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif description.range and isinstance(default, int):
        descriptor.integer_range = [
            IntegerRange(from_value=int(description.range[0]), to_value=int(description.range[1]))
        ]

    def accept(parameters: list[Parameter]) -> SetParametersResult:
        reasons = [
            refusal(name, p.value, default, description) for p in parameters if p.name == name
        ]
        reason = "; ".join(filter(None, reasons))
        return SetParametersResult(successful=not reason, reason=reason)

    # Registered first, so that a bad value in a file or on the command line is refused as well.
    node.add_on_set_parameters_callback(accept)
    node.declare_parameter(
        name, list(default) if isinstance(default, tuple) else default, descriptor
    )


def _constraints(default: Any, description: Description) -> str:
    """What the descriptor's own range fields cannot say, in words."""
    words = []
    if description.literals:
        words.append(description.allowed)
    if description.choices:
        words.append(f"one of {list(description.choices)}")
    if isinstance(default, tuple):
        words.append(f"{len(default)} elements")
        if description.range:
            words.append(f"each in [{description.range[0]}, {description.range[1]}]")
    return ", ".join(words)
