"""Translates URScript to Python generators, so that a simulated controller can run it tick by tick.

URScript ("The URScript Programming Language", Universal Robots) reads much like Python, but:

- a newline does not end a statement; one ends where no operator joins it to what follows;
- blocks end with ``end``; ``thread`` blocks run concurrently once started with ``run``;
- lists and poses are values: assigning an element changes that variable alone;
- ``p[x, y, z, rx, ry, rz]`` is a pose, while a variable may be called ``p`` as well.

Every function becomes a generator function, every call of one a ``yield from``; a ``yield`` ends
the thread's share of the tick.
"""

import functools
from collections.abc import Iterable, Sequence
from types import CodeType
from typing import TypeVar

from cns_core.twin.robot.urscript.expressions import python_name, to_python
from cns_core.twin.robot.urscript.words import (
    CALLED_WORDS,
    CLOSING,
    OPENING,
    ScriptError,
    split_statements,
    tokenize,
)

_INDENT = "    "
_Values = TypeVar("_Values", bound=list[object])


@functools.lru_cache(maxsize=16)
def compile_script(source: str, blocking_builtins: frozenset[str]) -> tuple[CodeType, str]:
    """Compile a program ``def name(): ... end`` to (code object, name of its main function).

    Args:
        source: the URScript text.
        blocking_builtins: frozenset of the builtins that are generator functions.

    Raises:
        ScriptError: if the text is not one complete program.
    """
    try:
        text, main = _Translation(source, blocking_builtins).finished()
        return compile(text, "<urscript>", "exec"), main
    except (IndexError, MemoryError, RecursionError, SyntaxError) as error:
        raise ScriptError(f"URScript not understood: {error}") from error


def with_element(values: _Values, index: int, value: object) -> _Values:
    """A copy of a list or pose with one element replaced."""
    changed = type(values)(values)
    changed[index] = value
    return changed


class _Function:
    """A function being written: what it assigns of the script's globals, declared in the end."""

    def __init__(self, first_line: int, parameters: Sequence[str]) -> None:
        self.first_line = first_line
        self.parameters = parameters
        self.assigned_globals: set[str] = set()


class _Translation:
    """One pass over the statements, writing indented Python lines."""

    def __init__(self, source: str, blocking_builtins: frozenset[str]) -> None:
        tokens = tokenize(source)
        self._globals = {name for word, name in _pairs(tokens) if word == "global"}
        functions = {name for word, name in _pairs(tokens) if word in ("def", "thread")}
        self._generators = functions | blocking_builtins
        self._blocks: list[_Function | str] = []
        self._lines: list[str] = []
        self._main = ""
        for statement in split_statements(tokens):
            self._statement(statement)

    def finished(self) -> tuple[str, str]:
        """The Python text and the name of its main function."""
        if self._blocks or not self._main:
            raise ScriptError("the script is not one complete def ... end")
        return "\n".join(self._lines) + "\n", self._main

    def _write(self, line: str) -> None:
        self._lines.append(_INDENT * len(self._blocks) + line)

    def _statement(self, tokens: Sequence[str]) -> None:
        word = tokens[0]
        if word in ("def", "thread"):
            self._open_function(tokens)
        elif word in ("if", "while"):
            self._open(f"{word} {self._expression(tokens[1:-1])}:", word)
            self._write("__count_iteration()" if word == "while" else "pass")
        elif word in ("elif", "else"):
            self._close()
            self._open(f"{word} {self._expression(tokens[1:-1])}".strip() + ":", word)
            self._write("pass")
        elif word == "end":
            self._close()
        elif word in CALLED_WORDS:
            self._write(f"__{word}({self._expression(tokens[1:])})")
        elif word in ("return", "break", "continue"):
            self._write(f"{word} {self._expression(tokens[1:])}".strip())
        else:
            self._assignment_or_call(tokens[1:] if word == "global" else tokens)

    def _open(self, header: str, block: _Function | str) -> None:
        self._write(header)
        self._blocks.append(block)

    def _close(self) -> None:
        if not self._blocks:
            raise ScriptError("the script has an end too many")
        indent, block = _INDENT * len(self._blocks), self._blocks.pop()
        if isinstance(block, _Function) and block.assigned_globals:
            names = ", ".join(map(python_name, sorted(block.assigned_globals)))
            self._lines.insert(block.first_line, f"{indent}global {names}")

    def _open_function(self, tokens: Sequence[str]) -> None:
        name, parameters = python_name(tokens[1]), tokens[2:-1]
        if not self._blocks:
            self._main = name
        header = f"def {name}{''.join(map(python_name, parameters))}:"
        self._open(header, _Function(len(self._lines) + 1, parameters))
        self._write("if False: yield")

    def _assignment_or_call(self, tokens: Sequence[str]) -> None:
        name = python_name(tokens[0])
        if len(tokens) > 1 and tokens[1] == "=":
            self._note_assignment(tokens[0])
            self._write(f"{name} = {self._expression(tokens[2:])}")
        elif (equals := _element_assignment(tokens)) is not None:
            self._note_assignment(tokens[0])
            index, value = tokens[2 : equals - 1], tokens[equals + 1 :]
            changed = f"{name}, {self._expression(index)}, {self._expression(value)}"
            self._write(f"{name} = __with_element({changed})")
        else:
            self._write(self._expression(tokens))

    def _note_assignment(self, name: str) -> None:
        functions = [block for block in self._blocks if isinstance(block, _Function)]
        if functions and name in self._globals and name not in functions[-1].parameters:
            functions[-1].assigned_globals.add(name)

    def _expression(self, tokens: Sequence[str]) -> str:
        return to_python(tokens, self._generators)


def _pairs(tokens: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(tokens, tokens[1:], strict=False)


def _element_assignment(tokens: Sequence[str]) -> int | None:
    """Where ``name[...] = value`` has its equals sign, or None for any other statement."""
    depth = 0
    for i, token in enumerate(tokens):
        depth += (token in OPENING) - (token in CLOSING)
        if token == "=" and depth == 0:
            return i
    return None
