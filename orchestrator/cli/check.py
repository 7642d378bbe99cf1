"""`vklocks check`: the verdict on a run with its reasons, or a line for each of several."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from analysis.evaluation import Verdict, exit_code
from analysis.history.run import InputError
from analysis.logs.formats import read_settings
from analysis.submissions import Submission, find_submissions
from analysis.text import plain
from analysis.text.submissions import Judged, SubmissionRow, line_of, row_of, table, total
from analysis.text.verdict import MAX_LINE, print_verdict
from orchestrator.cli.arguments import unwritable
from orchestrator.cli.console import console_of_output
from orchestrator.cli.lines import Listing, complain, put, put_json
from vm.files import make_folder, write_text
from vm.options import UsageError
from vm.quoting import plain as printable


def check(given: argparse.Namespace) -> int:
    submissions = Submissions(given)
    is_class = len(submissions.each) > 1
    verdicts, console = list[Verdict](), console_of_output()
    for one in submissions.each:
        judged = one.judged()
        submissions.add(one, judged)
        for run, verdict in judged:
            with reported_if_not_written():
                plain.write_verdict(verdict, submissions.homes[one.path])
            verdicts.append(replace(verdict, run=one.label_of(verdict.run)))
            is_explained = given.verbose and run
            if not given.json and (is_explained or not is_class):
                print_verdict(run, verdicts[-1], console)
        if not given.json and is_class and not is_explained:
            submissions.put_last()
    submissions.write_csv()
    if given.json:
        put_json({"runs": list(map(plain.plain_verdict, verdicts))})
    else:
        submissions.put_total()
    return exit_code(verdicts)


class Submissions:
    """The submissions among the paths of a command, and what is known about each so far.

    UsageError if there is none, or if an output cannot be written. `homes` are their folders for
    output: beside the logs, or below the folder that was given with the paths of their labels.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        with usable_input():
            found = find_submissions(given.paths, given.format, read_settings(given.set), given.out)
        self.each = [one for one in found if not one.is_beside]
        self.homes = _homes(self.each, given.out)
        self.rows: list[SubmissionRow] = []
        self._lines: list[str] = []
        self._beside = [one.label for one in found if one.is_beside]
        self._listing = Listing()
        self._csv: Path | None = given.csv
        check_csv(given.csv)

    def add(self, one: Submission, judged: Judged) -> None:
        self.rows.append(row_of(one.label, judged))
        self._lines.append(line_of(self.rows[-1], judged))

    def put_last(self) -> None:
        """Print the line of the last submission."""
        self._listing.put(self._lines[-1])

    def put_all(self) -> None:
        """Print the lines of all submissions."""
        for line in self._lines:
            self._listing.put(line)

    def put_total(self) -> None:
        """Print what a list of several submissions leaves out, and their number as last line."""
        if len(self.each) < 2:
            return
        if self._listing.omitted:
            put(f"and {self._listing.omitted:,} more, which --csv FILE lists")
        if self._beside:
            put(printable(f"not counted as submissions: {', '.join(self._beside)}", MAX_LINE))
        put(total(self.rows, [one.path for one in self.each]))

    def write_csv(self, metrics: pl.DataFrame | None = None) -> None:
        """Write a row for each submission, with more columns if given, to the file for it."""
        if self._csv is None:
            return
        try:
            rows = table(self.rows)
            if metrics is not None:
                rows = rows.hstack(metrics.drop(rows.columns, strict=False))
            write_text(self._csv, rows.write_csv())
        except OSError as error:
            problem = f"--csv: {self._csv} cannot be written: {error.strerror}"
            raise UsageError(problem) from None


def check_csv(path: Path | None) -> None:
    """Check before the work that a file can be made; UsageError if not."""
    if path and path.is_dir():
        raise UsageError(f"--csv: {path} is a folder: give the name of a file")
    if path and not path.parent.is_dir():
        raise UsageError(f"--csv: there is no folder {path.parent}")


def _homes(submissions: Sequence[Submission], out: Path | None) -> Mapping[Path, Path]:
    """Return the folder for the output of each; UsageError if one cannot be made."""
    if out is None:
        return {one.path: one.path for one in submissions}
    homes = {one.path: out / one.place for one in submissions}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for home in homes.values():
            for folder in [*reversed(home.relative_to(out).parents), home.relative_to(out)][1:]:
                make_folder(out / folder)
    except OSError as error:
        raise unwritable(out, error) from None
    return homes


@contextmanager
def usable_input() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from None


@contextmanager
def reported_if_not_written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        complain(0, f"{error.filename2 or error.filename} is not written: {error.strerror}")
