"""URScript expressions in Python: calls of generators, threads that are started, poses."""

import keyword
from collections.abc import Collection, Sequence

from cns_core.twin.robot.urscript.words import CLOSING, OPENING, OPERATOR_WORDS, is_operand_start


def python_name(token: str) -> str:
    """A name or literal as Python takes it."""
    if token in ("True", "False"):
        return token
    return token + "_" if keyword.iskeyword(token) else token


def to_python(tokens: Sequence[str], generators: Collection[str]) -> str:
    """Python for one expression.

    Args:
        tokens: its words.
        generators: names of the functions that are generator functions.
    """
    parts: list[str] = []
    closers: list[str] = []  # what closes each open bracket
    starting_thread = False
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token == "run":
            starting_thread = True
        elif following == "(" and is_operand_start(token):
            prefix, closer = _call(token in generators, starting_thread)
            parts.append(f" {prefix}{python_name(token)}")
            closers.append(closer)
            starting_thread = False
        elif token == "p" and following == "[" and _is_pose(tokens[i + 1 :]):
            parts.append(" __pose(")
            closers.append("])")
        elif token in OPENING:
            called = i > 0 and token == "(" and is_operand_start(tokens[i - 1])
            literal = parts and parts[-1] == " __pose("
            if not called and not literal:
                closers.append(")" if token == "(" else "]")
            parts.append(token)
        elif token in CLOSING:
            parts.append(closers.pop())
        else:
            parts.append(" " + OPERATOR_WORDS.get(token, python_name(token)))
    return "".join(parts).strip()


def _call(of_generator: bool, starting_thread: bool) -> tuple[str, str]:
    """What stands before the name of a called function, and what closes its arguments."""
    if starting_thread:
        return "__run(", "))"
    return ("(yield from ", "))") if of_generator else ("", ")")


def _is_pose(tokens: Sequence[str]) -> bool:
    """Whether a bracket opens a list of several elements, hence a pose and not an index."""
    depth = 0
    for token in tokens:
        depth += (token in OPENING) - (token in CLOSING)
        if depth == 0:
            return False
        if token == "," and depth == 1:
            return True
    return False
