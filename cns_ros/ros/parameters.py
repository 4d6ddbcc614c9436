"""Parameters that describe and defend themselves: unit, range and choices in the descriptor."""

import math

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)


def declare(
    node, name, default, description, *, unit="", range=None, choices=None, read_only=False
):
    """Declare a parameter of ``node`` and return its value (the default, or the user's).

    The type is that of ``default``. A bad value is refused with a reason, at start as an exception
    and later as a failed set. Floats must be finite; an array keeps the length of its default.

    Args:
        unit: SI unit appended to the description, empty for none.
        range: inclusive ``(low, high)`` of a number, or of each element of an array.
        choices: the allowed values.
        read_only: True if the value cannot change after start.

    Raises:
        rclpy.exceptions.ParameterException: if the value given at start is refused.
    """
    descriptor = ParameterDescriptor(
        description=f"{description} [{unit}]" if unit else description,
        additional_constraints=_constraints(default, range, choices),
        read_only=read_only,
    )
    if range and isinstance(default, float):
        low, high = map(float, range)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif range and isinstance(default, int):
        low, high = map(int, range)
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]

    def check(parameters):
        reasons = [_refusal(p, default, range, choices) for p in parameters if p.name == name]
        reason = "; ".join(filter(None, reasons))
        return SetParametersResult(successful=not reason, reason=reason)

    # Registered first, so that a bad value in a file or on the command line is refused as well.
    node.add_on_set_parameters_callback(check)
    return node.declare_parameter(name, default, descriptor).value


def _constraints(default, range, choices):
    """What the descriptor's own range fields cannot say, in words."""
    words = []
    if choices:
        words.append(f"one of {list(choices)}")
    if isinstance(default, (list, tuple)):
        words.append(f"{len(default)} elements")
        if range:
            words.append(f"each in [{range[0]}, {range[1]}]")
    return ", ".join(words)


def _refusal(parameter, default, range, choices):
    """Why this value is refused, or None. Numbers out of range are refused by rclpy before."""
    name, value = parameter.name, parameter.value
    if choices and value not in choices:
        return f"{name} must be one of {list(choices)}, got {value!r}"
    is_array = isinstance(default, (list, tuple))
    if is_array and len(value) != len(default):
        return f"{name} must have {len(default)} elements, got {len(value)}"
    for number in value if is_array else [value]:
        if isinstance(number, float) and not math.isfinite(number):
            return f"{name} must be finite, got {number}"
        if is_array and range and not range[0] <= number <= range[1]:
            return f"{name} must be in [{range[0]}, {range[1]}] in each element, got {number}"
    return None
