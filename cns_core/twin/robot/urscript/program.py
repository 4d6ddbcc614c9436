"""Runs a translated URScript program: its main function and its threads, one share a tick."""

from collections.abc import Callable, Generator, Mapping
from types import GeneratorType
from typing import Any

from cns_core.twin.robot.urscript.translator import compile_script, with_element
from cns_core.twin.robot.urscript.words import ScriptError

_LONGEST_LOOP = 20_000
_RUNTIME_ERRORS = (ArithmeticError, LookupError, NameError, RuntimeError, TypeError, ValueError)


class _Thread:
    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self.generator = generator
        self.alive = True


class Program:
    """A program loaded and about to run its first tick.

    Args:
        source: URScript text ``def name(): ... end``.
        builtins: what the script may call besides its own functions.
        blocking: those builtins that are generator functions.

    Raises:
        ScriptError: if the text is not a program.
    """

    def __init__(
        self, source: str, builtins: Mapping[str, Callable[..., Any]], blocking: frozenset[str]
    ) -> None:
        code, main = compile_script(source, blocking)
        self._iterations = 0
        self._current: _Thread | None = None
        self._critical: _Thread | None = None
        namespace: dict[str, Any] = {
            "__builtins__": {},
            **builtins,
            "__with_element": with_element,
            "__run": self._run,
            "__kill": self._kill,
            "__enter_critical": self._enter_critical,
            "__exit_critical": self._exit_critical,
            "__count_iteration": self._count_iteration,
        }
        self._on_kill = builtins["release_arm"]
        self._threads: list[_Thread] = []
        try:
            exec(code, namespace)
            self._main = self._run(namespace[main]())
        except _RUNTIME_ERRORS as error:
            raise ScriptError(f"the program cannot start: {error}") from error

    def tick(self) -> bool:
        """Give every thread its share; False once the main function has returned.

        Raises:
            ScriptError: for whatever the script did wrong.
        """
        self._iterations = 0
        # Threads started in this pass are appended and still get their share of it.
        for thread in self._threads:
            if thread.alive and self._critical in (None, thread):
                self._current = thread
                self._advance(thread)
        self._threads = [thread for thread in self._threads if thread.alive]
        return self._main.alive

    def close(self) -> None:
        """End all threads where they are."""
        for thread in self._threads:
            thread.generator.close()

    def _advance(self, thread: _Thread) -> None:
        try:
            next(thread.generator)
        except StopIteration:
            self._end(thread)
        except ScriptError:
            raise
        except _RUNTIME_ERRORS as error:
            raise ScriptError(f"runtime error: {error}") from error

    def _end(self, thread: _Thread) -> None:
        thread.alive = False
        if self._critical is thread:
            self._critical = None

    def _run(self, generator: object) -> _Thread:
        if not isinstance(generator, GeneratorType):
            raise ScriptError(f"run needs a thread, got {generator!r}")
        thread = _Thread(generator)
        self._threads.append(thread)
        return thread

    def _kill(self, thread: object) -> None:
        # The script kills thread variables that may still hold the number 0.
        if isinstance(thread, _Thread) and thread.alive:
            thread.generator.close()
            self._end(thread)
            self._on_kill()

    def _enter_critical(self) -> None:
        self._critical = self._current

    def _exit_critical(self) -> None:
        self._critical = None

    def _count_iteration(self) -> None:
        self._iterations += 1
        if self._iterations > _LONGEST_LOOP:
            raise ScriptError("infinite loop: no instruction in it waits")
