"""Output of the commands: lines, tables and error messages, without control characters.

Names of machines, runs and folders, and all quoted texts, come from outside. All output is escaped
here, so that they cannot move the cursor or imitate output of vklocks.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from vm.quoting import escaped, plain

if TYPE_CHECKING:
    from rich.console import Console

#: The width if it is unknown, as in a file.
COLUMNS = 100
#: The most characters of a line in an error message.
MAX_PROBLEM = 5000
#: The most bytes of text that a command prints about folders, independent of their contents.
MAX_OUTPUT = 90_000
MAX_COMPLAINTS = 9_000
MAX_SILENCE_S = 3


class _Bounded(io.TextIOBase):
    """A stream that ends after at most `most` bytes and a note."""

    def __init__(self, stream: TextIO, most: int) -> None:
        self._stream = stream
        self._left = self._most = most

    def write(self, text: str) -> int:
        if self._left > 0:
            size = len(text.encode(errors="replace"))
            # A character has at most four bytes.
            self._stream.write(text if size <= self._left else text[: self._left // 4])
            self._left -= size
            if self._left <= 0:
                self._stream.write(f"\noutput ends after {self._most:,} bytes: give fewer runs\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def bounded_output() -> Iterator[None]:
    """Limit the bytes on standard output and standard error."""
    output, complaints = _Bounded(sys.stdout, MAX_OUTPUT), _Bounded(sys.stderr, MAX_COMPLAINTS)
    with redirect_stdout(output), redirect_stderr(complaints):
        yield


def console_of_output(stderr: bool = False) -> "Console":
    """Return the console of standard output, or of standard error."""
    # Only commands with tables import Rich, which takes a third of the time of `vklocks --help`.
    from orchestrator.cli.escaping import escaping_console

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return escaping_console(None if is_terminal else COLUMNS, stderr)


def say(console: "Console", line: str) -> None:
    """Print one line on the console of the output."""
    console.print(escaped(line), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def counting(console: Console, things: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call before each of `total` things, which shows progress.

    A terminal shows a bar; elsewhere a line appears after each silence of MAX_SILENCE_S.
    """
    if console.is_terminal and total > 1:
        columns = TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(things, total=total)
            yield lambda: progress.advance(task)
        return
    begun, printed_s = count(1), monotonic()

    def advance() -> None:
        nonlocal printed_s
        number = next(begun)
        if monotonic() - printed_s > MAX_SILENCE_S:
            printed_s = monotonic()
            say(console, f"{things}: {number} of {total}")

    yield advance


def put(line: str) -> None:
    """Print one line on standard output."""
    print(escaped(line))


def put_json(value: object) -> None:
    """Print a value as one line of JSON; the encoder escapes all control characters but DEL."""
    print(json.dumps(value).replace("\x7f", "\\u007f"))


def complain(code: int, problem: str) -> int:
    """Print a problem on standard error, in one line if `code` is 2; return `code`."""
    parts = [problem] if code == 2 else problem.split("\n")
    text = "\n".join(plain(part, MAX_PROBLEM) for part in parts)
    print(f"vklocks: {text}", file=sys.stderr)
    return code
