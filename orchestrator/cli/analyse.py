"""`vklocks analyse` and `vklocks check`: the one place where the analysis is called.

Importing it takes half a second, so the other commands do without, and `run` does it while
its machines run.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from analysis.audit import VERDICT, exit_code, keep, plain_verdict, print_audit
from analysis.checks import Verdict, verdict
from analysis.events import FIGURES, InputError, find_runs, is_logged, load, load_all
from analysis.history import Run
from analysis.metrics import figures
from analysis.points import by_run, figures_of, measured, place_of, print_points
from analysis.summary import as_json, print_across, print_run
from orchestrator.cli.arguments import UsageError
from orchestrator.cli.console import complain, console_of_output
from orchestrator.cli.report import leave_index, leave_page, leave_pages
from orchestrator.run import Carried, reserved

#: Up to so many runs have tables of their own, and up to so many a row in a common one.
MAX_TABLES = 6
MAX_ROWS = 20
SUMMARY = "summary.csv"


def analyse(given: argparse.Namespace) -> int:
    console = console_of_output()
    with _usable_input():
        if given.format:
            return _analyse_as_told(given, console)
        directories = find_runs(given.paths, given.format)
        if given.json:
            print(json.dumps(as_json(list(map(figures_of, directories)))))
            return 0
        for directory in directories if len(directories) <= MAX_TABLES else ():
            if is_logged(directory):
                print_run(load(directory), console)
        every = list(map(figures_of, directories))
        _print_together(every, by_run(every, list(map(place_of, directories))), console)
        leave_pages(directories, every, console)
    return 0


def _analyse_as_told(given: argparse.Namespace, console: Console) -> int:
    """Tables of logs in the format that was given, and a report of each log that is one run."""
    runs = list(_runs(given))
    if given.json:
        print(json.dumps(as_json(list(map(figures, runs)))))
        return 0
    for run in runs:
        print_run(run, console)
        if [one.path for one in runs].count(run.path) == 1:
            leave_page(run, console)
    return 0


def check(given: argparse.Namespace) -> int:
    verdicts, console = [], console_of_output()
    with _usable_input():
        for run in _runs(given):
            found = verdict(run)
            verdicts.append(found)
            _keep(run, found)
            if not given.json:
                print_audit(run, found, console)
    if given.json:
        print(json.dumps({"runs": [plain_verdict(found) for found in verdicts]}))
    return exit_code(verdicts)


def _runs(given: argparse.Namespace) -> Iterator[Run]:
    """One by one: not all of them need fit into memory."""
    for path in find_runs(given.paths, given.format):
        yield from load_all(path, given.format)


def _keep(run: Run, found: Verdict) -> None:
    try:
        keep(found, run.path)
    except OSError as error:
        print(f"vklocks: {VERDICT} is not kept: {error.strerror}", file=sys.stderr)


def conclude(
    experiment: Path | None, directories: Sequence[Path], carried: Carried, console: Console
) -> int:
    """Say what happened in the runs of an experiment; 1 if a check is violated.

    What simulated runs were measured to be is not worked out again, unless they are few. A run
    that failed before its machines wrote anything has nothing to say. `experiment` is the folder
    that gets the summary, if any does.
    """
    known = [d for d in directories if (d / FIGURES).exists() or any(d.glob("*.jsonl"))]
    few = len(known) <= MAX_TABLES
    every: list[Mapping[str, Any]] = []
    violated = {done.name for done in carried.runs if done.is_violated}
    with _usable_input():
        for directory in known:
            if (directory / FIGURES).exists() and not (few and is_logged(directory)):
                every.append(measured(directory))
                continue
            run = load(directory)
            every.append(figures(run))
            found = verdict(run)
            _keep(run, found)
            if found.violations:
                violated.add(run.name)
            if few:
                print_run(run, console)
        if every:
            rows = by_run(every, list(map(place_of, known)))
            _print_together(every, rows, console)
            if experiment:
                _write_summary(experiment, rows)
            leave_pages(known, every, console)
            leave_index(known[0].parent.parent)
    if violated and not few:
        complain(1, f"checks are violated in {len(violated)} runs: see `vklocks check`")
    return int(bool(violated))


def _print_together(
    every: Sequence[Mapping[str, Any]], rows: pl.DataFrame, console: Console
) -> None:
    """A row for every run if they are not too many, and for every point if there are several."""
    if 1 < len(every) <= MAX_ROWS:
        print_across(every, console)
    if len(every) > MAX_ROWS or rows["point"].n_unique() > 1:
        print_points(rows, console)


def _write_summary(folder: Path, rows: pl.DataFrame) -> None:
    with reserved(folder, SUMMARY) as partial:
        rows.write_csv(partial / SUMMARY)
        (partial / SUMMARY).replace(folder / SUMMARY)


@contextmanager
def _usable_input() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None
