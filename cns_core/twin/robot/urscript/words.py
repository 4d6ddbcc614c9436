"""The words of a URScript text, and where its statements end.

A newline does not end a statement; one ends where no operator joins it to what follows.
"""

import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)
      | (?P<string>"[^"\n]*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<symbol>==|!=|<=|>=|[-+*/%^<>=()\[\],:])""",
    re.VERBOSE,
)
OPERATOR_WORDS = {"and": "and", "or": "or", "not": "not", "xor": "^"}
_WHOLE_STATEMENTS = frozenset(("end", "break", "continue", "enter_critical", "exit_critical"))
_STATEMENT_WORDS = _WHOLE_STATEMENTS.union(
    ("def", "thread", "if", "elif", "else", "while", "return", "global", "kill")
)
CALLED_WORDS = frozenset(("kill", "enter_critical", "exit_critical"))
OPENING, CLOSING = frozenset("(["), frozenset(")]")


class ScriptError(ValueError):
    """A script that cannot be read, or did what the controller does not allow."""


def is_complete(source: str) -> bool:
    """Whether every block of the text is closed, so that a controller would start it."""
    depth, seen = 0, False
    for token in tokenize(source):
        opens = token in ("def", "thread", "if", "while")
        depth += opens - (token == "end")
        seen = seen or opens
    return seen and depth <= 0


def tokenize(source: str) -> list[str]:
    """List of the words; ScriptError for a character that begins none."""
    position, tokens = 0, list[str]()
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ScriptError(f"unexpected character {source[position]!r} in the script")
        if match.lastgroup != "space":
            tokens.append(match.group())
        position = match.end()
    return tokens


def is_operand_start(token: str) -> bool:
    """Whether a token is a number, a string or a name."""
    return (token[0].isalnum() or token[0] in '_".') and token not in OPERATOR_WORDS


def _is_operand_end(token: str) -> bool:
    return token in CLOSING or (is_operand_start(token) and token != "run")


def _starts_statement(statement: Sequence[str], token: str) -> bool:
    """Whether ``token`` begins a new statement after the unfinished ``statement``."""
    if token in _STATEMENT_WORDS or statement[0] in _WHOLE_STATEMENTS:
        return True
    if len(statement) == 1 and statement[0] in _STATEMENT_WORDS:
        return False
    return _is_operand_end(statement[-1]) and is_operand_start(token)


def split_statements(tokens: Sequence[str]) -> Iterator[list[str]]:
    """Yield lists of tokens, one a statement; a header ends with its colon."""
    statement, depth = list[str](), 0
    for token in tokens:
        if statement and not depth and _starts_statement(statement, token):
            yield statement
            statement = []
        statement.append(token)
        depth += (token in OPENING) - (token in CLOSING)
        if token == ":" and not depth:
            yield statement
            statement = []
    if statement:
        yield statement
