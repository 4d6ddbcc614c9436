"""Cuts a stream of bytes into lines of text."""

_LONGEST_LINE = 65536


class LineStream:
    """Collects bytes until a newline comes."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[str]:
        """The list of lines complete now; ValueError for bytes that are no text, or no lines."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > _LONGEST_LINE:
            raise ValueError(f"a line of more than {_LONGEST_LINE} bytes")
        return [line.decode("utf-8") for line in lines]
