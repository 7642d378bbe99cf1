"""`vklocks analyse` and `vklocks check`: the one place where the analysis is called.

Importing it takes half a second, so the other commands do without, and `run` does it while
its machines run.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.checks import verdict
from analysis.events import InputError, Run, find_runs, load
from analysis.summary import as_json, print_summary, print_verdicts, verdicts_as_json
from orchestrator.cli.arguments import UsageError
from orchestrator.cli.console import console_of_output


def analyse(given: argparse.Namespace) -> int:
    runs = _loaded(given.paths)
    if given.json:
        print(json.dumps(as_json(runs)))
    else:
        print_summary(runs, console_of_output())
    return 0


def check(given: argparse.Namespace) -> int:
    runs = _loaded(given.paths)
    if given.json:
        print(json.dumps(verdicts_as_json(runs)))
    else:
        print_verdicts(runs, console_of_output())
    return int(any(verdict(one).violations for one in runs))


def conclude(directories: Sequence[Path], console: Console) -> int:
    """Say what happened in runs that have just ended; 1 if a check is violated.

    A run that failed before its machines wrote anything has nothing to say.
    """
    runs = [load(directory) for directory in directories if any(directory.glob("*.jsonl"))]
    print_summary(runs, console)
    return int(any(verdict(one).violations for one in runs))


def _loaded(paths: Sequence[Path]) -> list[Run]:
    try:
        return [load(directory) for directory in find_runs(paths)]
    except InputError as error:
        raise UsageError(str(error)) from None
