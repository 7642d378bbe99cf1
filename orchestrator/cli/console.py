"""Output of the commands: lines, tables and complaints."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from rich.console import Console

from vm.quoting import escaped

#: The width where none is known, as in a file.
COLUMNS = 100
#: No command that reads folders prints more for people, whatever the folders hold.
MAX_OUTPUT = 90_000


class Printable(io.TextIOBase):
    """A stream without control characters, which ends after so many characters."""

    def __init__(self, stream: TextIO, most: int | None) -> None:
        self._stream = stream
        self._left = most

    def write(self, text: str) -> int:
        shown = printable(text)
        if self._left is None:
            self._stream.write(shown)
        elif self._left > 0:
            self._stream.write(shown[: self._left])
            self._left -= len(shown)
            if self._left <= 0:
                self._stream.write(
                    f"\nthe output ends here, after {MAX_OUTPUT:,} characters: give fewer runs\n"
                )
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def printable_output(most: int | None = MAX_OUTPUT) -> Iterator[None]:
    """Escape everything that is printed, and cut it after so many characters."""
    # Complaints are few, unless they are about each of very many runs.
    complaints = Printable(sys.stderr, MAX_OUTPUT // 10)
    with redirect_stdout(Printable(sys.stdout, most)), redirect_stderr(complaints):
        yield


def printable(text: str) -> str:
    """Return lines of text with all that is not printable as in a literal."""
    return "\n".join(map(escaped, text.split("\n")))


def console_of_output() -> Console:
    return Console(width=None if sys.stdout.isatty() else COLUMNS)


def say(console: Console, line: str) -> None:
    console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def complain(code: int, problem: str) -> int:
    """Print on standard error why the command ends with `code`."""
    print(f"vklocks: {printable(problem)[: MAX_OUTPUT // 10]}", file=sys.stderr)
    return code
