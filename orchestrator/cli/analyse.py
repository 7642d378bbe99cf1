"""`vklocks analyse` and `vklocks check`: the one place where the analysis is called.

Importing it takes half a second, so the other commands do without, and `run` does it while
its machines run.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from analysis.audit import VERDICT, exit_code, keep, plain_verdict, print_audit
from analysis.checks import Verdict, verdict
from analysis.events import InputError, Run, find_runs, load, load_all
from analysis.summary import as_json, print_summary
from orchestrator.cli.arguments import UsageError
from orchestrator.cli.console import console_of_output


def analyse(given: argparse.Namespace) -> int:
    runs = list(_loaded(given))
    if given.json:
        print(json.dumps(as_json(runs)))
    else:
        print_summary(runs, console_of_output())
    return 0


def check(given: argparse.Namespace) -> int:
    verdicts, console = [], console_of_output()
    for run in _loaded(given):
        found = verdict(run)
        verdicts.append(found)
        _keep(run, found)
        if not given.json:
            print_audit(run, found, console)
    if given.json:
        print(json.dumps({"runs": [plain_verdict(found) for found in verdicts]}))
    return exit_code(verdicts)


def _keep(run: Run, found: Verdict) -> None:
    try:
        keep(found, run.path)
    except OSError as error:
        print(f"vklocks: {VERDICT} is not kept: {error.strerror}", file=sys.stderr)


def conclude(directories: Sequence[Path], console: Console) -> int:
    """Say what happened in runs that have just ended; 1 if a check is violated.

    A run that failed before its machines wrote anything has nothing to say.
    """
    runs = [load(directory) for directory in directories if any(directory.glob("*.jsonl"))]
    print_summary(runs, console)
    verdicts = [verdict(run) for run in runs]
    for run, found in zip(runs, verdicts, strict=True):
        _keep(run, found)
    return int(any(found.violations for found in verdicts))


def _loaded(given: argparse.Namespace) -> Iterator[Run]:
    """The runs, one by one: not all of them need fit into memory."""
    try:
        for path in find_runs(given.paths, given.format):
            yield from load_all(path, given.format)
    except InputError as error:
        raise UsageError(str(error)) from None
