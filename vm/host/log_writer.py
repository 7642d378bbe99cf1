"""The log of a machine, for programs, and its transcript, for people."""

import sys
from io import FileIO
from pathlib import Path

from vm.files import log_path, transcript_path
from vm.log import encode
from vm.records import Record, Recovery, Start, transcript_line


class LogWriter:
    """The log `<name>.jsonl` and the transcript `<name>.out`, which is also printed.

    The operating system has every record when `write` returns: a killed machine loses none.
    Files of an earlier run under these names are removed, unless the machine continues from
    them (`is_new` is false). OSError if the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str, *, is_new: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log_path = log_path(folder, name)
        if is_new:
            self._log_path.unlink(missing_ok=True)
        self._out = transcript_path(folder, name).open("wb" if is_new else "ab", buffering=0)
        self._log: FileIO | None = None

    def begin(self, first: Start | Recovery) -> None:
        """Write the first record of this process: to a new log, or after its last complete line."""
        self._log = self._log_path.open("xb" if isinstance(first, Start) else "ab", buffering=0)
        self.write(first)

    def write(self, record: Record) -> None:
        assert self._log is not None
        self._log.write(f"{encode(record)}\n".encode())
        self.say(transcript_line(record))

    def say(self, line: str) -> None:
        self._out.write(f"{line}\n".encode())
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def close(self) -> None:
        self._out.close()
        if self._log is not None:
            self._log.close()
