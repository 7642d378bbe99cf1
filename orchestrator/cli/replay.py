"""`vklocks replay`: execute the machines of a run again and compare them with its logs."""

import argparse
from pathlib import Path

from analysis.history.replay import ReplayError, replay
from orchestrator.cli.console import console_of_output, say
from vm.files import LOG_SUFFIX, MAX_LINE_BYTES, logs_in, open_regular
from vm.log import LogError, decode
from vm.options import UsageError
from vm.quoting import counted, input_problem
from vm.records import Event, Record


def replay_run(given: argparse.Namespace) -> int:
    directory: Path = given.run
    history = {path.stem: _read(path) for path in _logs(directory)}
    try:
        difference = replay(history)
    except ReplayError as error:
        raise UsageError(f"{directory} cannot be replayed: {error}") from None
    console = console_of_output()
    if difference:
        say(console, f"{directory}: not equal; the first difference:")
        for line in difference.explain().split("\n"):
            say(console, line)
        return 1
    events = sum(isinstance(record, Event) for records in history.values() for record in records)
    replayed = f"{counted(events, 'event')} of {counted(len(history), 'machine')}"
    say(console, f"{directory}: equal: {replayed}, replayed")
    return 0


def _logs(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory: give the directory of one run")
    if not (logs := logs_in(directory)):
        raise UsageError(f"{directory} holds no logs (*{LOG_SUFFIX}) to replay")
    return logs


def _read(path: Path) -> list[Record]:
    """Read the records of a log, without an incomplete last line, which a kill can leave."""
    records: list[Record] = []
    number = 0
    try:
        with open_regular(path) as file:
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                if line.endswith(b"\n"):
                    records.append(decode(line.decode()))
                elif len(line) == MAX_LINE_BYTES:
                    raise LogError(f"it has more than {MAX_LINE_BYTES:,} bytes")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (LogError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}:{number} is no record of a log: {input_problem(error)}") from None
    return records
