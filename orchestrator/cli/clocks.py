"""`vklocks clocks`: clocks computed on the histories of runs, and compared."""

import argparse
from pathlib import Path

import polars as pl
from rich.console import Console

from analysis.clocks.comparison import Compared, compared, full_names, table
from analysis.history.run import InputError, Run
from analysis.logs.formats import read_settings
from analysis.metrics.points import RunPoint, columns_of, point_of
from analysis.submissions import Submission, find_submissions
from analysis.text.clocks import incomplete, print_clocks, print_sweep
from orchestrator.cli.check import check_csv, usable_input
from orchestrator.cli.console import console_of_output, counting
from orchestrator.cli.lines import complain
from vm.fields import SpecError
from vm.files import write_text
from vm.options import UsageError


def compare_clocks(given: argparse.Namespace) -> int:
    """Print the tables of one run, or those along the points of several."""
    check_csv(given.csv)
    with usable_input():
        found = find_submissions(given.paths, given.format, read_settings(given.set), None)
    comparing = _Comparing(given, console_of_output())
    several = [one for one in found if not one.is_beside]
    with counting(comparing.console, "runs", len(several)) as advance:
        for one in several:
            advance()
            comparing.add(one)
    comparing.finish()
    return comparing.code


class _Comparing:
    """The clocks of all runs so far."""

    def __init__(self, given: argparse.Namespace, console: Console) -> None:
        self.code = 0
        self._given = given
        self.console = console
        self._last: tuple[Run, list[Compared]] | None = None
        self._tables: list[pl.DataFrame] = []
        self._points: list[RunPoint] = []
        self._gaps: list[str] = []

    def add(self, one: Submission) -> None:
        """Compute the clocks of a submission's runs; if it cannot be read, the others count."""
        try:
            evaluations = one.evaluations()
            if not evaluations:
                raise InputError(f"{one.label}: {one.without_logs}")
            for evaluation in evaluations:
                self._compare(one, evaluation.run)
        except InputError as error:
            self.code = complain(2, str(error))

    def _compare(self, one: Submission, run: Run) -> None:
        rows = list(compared(run, _names(self._given.clocks, run)))
        if self._given.verbose and self._last:
            print_clocks(*self._last, self.console)
        self._last = run, rows
        self._gaps += [f"{run.name}: {gap}" for gap in incomplete(run)]
        point = point_of(one.path)
        if point.seed is None:
            # No run of an experiment: a point of its own.
            point = RunPoint(one.label_of(run.name))
        self._points += [point] * len(rows)
        self._tables.append(table(rows))

    def finish(self) -> None:
        """Print the tables of the only run, or those along the points of several."""
        if self._last is None:
            return
        if len(self._tables) == 1 or self._given.verbose:
            print_clocks(*self._last, self.console)
        rows = self._rows()
        if len(self._tables) > 1:
            print_sweep(rows, self._gaps, self.console)
        if self._given.csv:
            _write(self._given.csv, rows)

    def _rows(self) -> pl.DataFrame:
        """Return a row for each run and clock, in the order of the values of numeric axes."""
        rows, points = pl.concat(self._tables), columns_of(self._points)
        axes = [one.name for one in points[1:-1] if one.dtype.is_numeric()]
        rows = rows.select("run", *points, *rows.columns[1:])
        return rows.sort(axes, maintain_order=True) if axes else rows


def _names(given: str, run: Run) -> list[str]:
    try:
        return full_names(given.split(","), run)
    except SpecError as error:
        raise UsageError(f"--{error}") from None


def _write(path: Path, rows: pl.DataFrame) -> None:
    try:
        write_text(path, rows.write_csv())
    except OSError as error:
        raise UsageError(f"--csv: {path} cannot be written: {error.strerror}") from None
