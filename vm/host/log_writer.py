"""The log of a machine, for programs, and its transcript, for people."""

import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from vm.files import (
    CHARTS,
    METRICS,
    REPORT,
    VERDICT,
    log_path,
    logs_in,
    make_folder,
    start_in,
    transcript_path,
)
from vm.log import encode
from vm.records import Record, Recovery, Start, transcript_line


def set_aside(folder: Path) -> list[Path]:
    """Move the files of earlier runs out of a folder, into one beside it for each run.

    Return the folders with logs that were moved here.

    A run begins once all its machines are there, so before that, every log with a start record is
    of another run. Several machines may move the same files. OSError if a folder cannot be made.
    """
    moved = dict[Path, None]()
    for log in logs_in(folder):
        if start := start_in(log):
            begun = datetime.fromtimestamp(start.run_epoch_unix_ns / 1e9, UTC)
            name = f"{folder.name}-{begun:%Y%m%d-%H%M%S}-seed{start.spec.seed}"
            earlier = folder.with_name(name)
            make_folder(earlier)
            transcript = transcript_path(folder, log.stem)
            derived = (folder / name for name in (METRICS, VERDICT, REPORT, CHARTS))
            for path in (log, transcript, *derived):
                with suppress(FileNotFoundError):
                    path.rename(earlier / path.name)
                    moved[earlier] = None
    return list(moved)


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
