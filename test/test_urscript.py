"""URScript translated to Python and run as the controller runs it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cns_core.twin.robot.urscript.program import Program
from cns_core.twin.robot.urscript.words import ScriptError, is_complete


def run(body, most_ticks=50, **builtins):
    """Run a program and return what it noted by ``note(x)``, one list a tick."""
    ticks, notes = [], []

    def sync():
        yield

    table = {"note": notes.append, "sync": sync, "__pose": list, "release_arm": lambda: None}
    program = Program(f"def program():\n{body}\nend\n", table | builtins, frozenset(["sync"]))
    for _ in range(most_ticks):
        playing = program.tick()
        ticks.append(list(notes))
        notes.clear()
        if not playing:
            return ticks
    program.close()
    return ticks


def test_newline_does_not_end_a_statement():
    body = "global offset = # a comment\n24 global other = offset\n + 1\n note(offset) note(other)"
    assert run(body) == [[24, 25]]


def test_branches_loops_and_functions():
    body = """
      def sign(x):
        if x > 0:
          return 1
        elif x < 0:
          return -1
        else:
          return 0
        end
      end
      i = -1
      while i < 2 and not i == 7:
        note(sign(i) + 10)
        i = i + 1
      end
    """
    assert run(body) == [[9, 10, 11]]


def test_sync_ends_the_tick():
    assert run("note(1) sync() note(2)") == [[1], [2]]


def test_lists_are_values():
    body = "a = [1, 2, 3] b = a b[0] = a[2] * (a[1] + 1) note(a) note(b)"
    assert run(body) == [[[1, 2, 3], [9, 2, 3]]]


def test_p_is_a_pose_and_a_parameter():
    body = "def first(p): return p[0] end note(first(p[4, 0, 0, 0, 0, 0]))"
    assert run(body) == [[4]]


def test_python_keywords_are_names():
    assert run("async = 3 lambda = async + 1 note(lambda)") == [[4]]


def test_functions_assign_globals_declared_anywhere():
    body = "global n = 1 def double(): n = 2 * n end double() note(n) m = 0 note(m)"
    assert run(body) == [[2, 0]]


def test_threads_share_ticks_until_killed():
    body = """
      global worker = 0
      thread work():
        while True:
          note("work")
          sync()
        end
      end
      worker = run work()
      note("main")
      sync()
      kill worker
      worker = 0
      kill worker
      sync()
      note("end")
    """
    assert run(body) == [["main", "work"], [], ["end"]]


def test_critical_section_keeps_other_threads_waiting():
    body = """
      thread work():
        note("work")
      end
      global worker = run work()
      enter_critical
      sync()
      note("critical")
      exit_critical
      sync()
    """
    assert run(body) == [[], ["critical", "work"], []]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while True: end", "infinite loop"),
        ("force_mode(1)", "force_mode"),
        ("note(1 / 0)", "division by zero"),
        ("def again(): again() end again()", "recursion"),
        ("if True note(1) end", "not understood"),
        ("note(1) ;", "unexpected character"),
        ("if True: note(1)", "not one complete"),
        ("end end", "end too many"),
        ("x = note.__class__", "unexpected character"),
    ],
)
def test_faulty_scripts_end_in_a_script_error(body, reason):
    with pytest.raises(ScriptError, match=reason):
        run(body)


WORDS = (
    "def thread if elif else while end return break continue global kill run f g sync p x ( ) () ["
    ' ] , : = + - == not and True 1 2.5 "text" enter_critical exit_critical'
)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@given(st.lists(st.sampled_from(WORDS.split()), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_words_run_or_are_refused(words):
    with contextlib.suppress(ScriptError):
        assert run(f"def g(x): {' '.join(words)} end g(1) g(2)", most_ticks=5)


def test_script_is_complete_with_its_last_end():
    assert is_complete("def f(): if True: sync() end end")
    assert not is_complete("def f(): if True: sync() end")
    assert not is_complete("")
