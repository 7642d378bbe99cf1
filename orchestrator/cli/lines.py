"""Output of the commands without a console: lines, JSON and error messages.

Names of machines, runs and folders, and all quoted texts, come from outside. All output is escaped
here, or in `console`, so that they cannot move the cursor or imitate output of vklocks. This module
imports nothing that takes time: every command needs it.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from vm.quoting import escaped, plain

#: The most characters of a line in an error message.
MAX_PROBLEM = 5000
#: The most bytes of text that a command prints about folders, independent of their contents.
MAX_OUTPUT = 90_000
MAX_COMPLAINTS = 9_000
#: The most bytes of a list, which a total follows.
MAX_LISTED = 80_000


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


def put(line: str) -> None:
    """Print one line on standard output."""
    print(escaped(line))


class Listing:
    """Lines on standard output that end early enough to leave room for a total below them."""

    def __init__(self) -> None:
        self._bytes = 0
        self.omitted = 0

    def put(self, line: str) -> None:
        self._bytes += len(line.encode(errors="replace"))
        if self._bytes > MAX_LISTED:
            self.omitted += 1
        else:
            put(line)


def put_json(value: object) -> None:
    """Print a value as one line of JSON; the encoder escapes all control characters but DEL."""
    print(json.dumps(value).replace("\x7f", "\\u007f"))


def complain(code: int, problem: str) -> int:
    """Print a problem on standard error, in one line if `code` is 2; return `code`."""
    parts = [problem] if code == 2 else problem.split("\n")
    text = "\n".join(plain(part, MAX_PROBLEM) for part in parts)
    print(f"vklocks: {text}", file=sys.stderr)
    return code
