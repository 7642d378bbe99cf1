"""The pages that `run` and `analyse` leave: of each run, of each experiment, and of all runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis.events import is_logged, load
from analysis.history import Run
from analysis.points import by_run, place_of
from analysis.report import experiment, index
from analysis.report import run as report
from analysis.report.charts import FOLDER, drawings, write_files
from analysis.report.charts import prepare as prepare
from orchestrator.cli.console import complain, say

#: Up to so many runs at once get pages of their own, each a quarter of a second's work, and up to
#: so many their charts as files, which takes another second.
MAX_PAGES = 60
MAX_CHARTS = 12


def leave_pages(
    directories: Sequence[Path], every: Sequence[Mapping[str, Any]], console: Console
) -> None:
    """Write the pages of runs whose figures are `every`, and of the folders that hold several.

    Runs that are somebody else's, where nothing can be written, are told and left alone.
    """
    try:
        pages = _pages(directories) if len(directories) <= MAX_PAGES else []
        pages += _experiments(directories, every)
    except OSError as error:
        complain(0, f"no report: {error.filename} cannot be written: {error.strerror}")
        return
    if pages:
        say(console, f"report: {pages[-1]}")
    if len(directories) > MAX_PAGES:
        say(console, "so many runs get no reports of their own; `vklocks analyse RUN` makes one")


def leave_page(run: Run, console: Console) -> None:
    """Write the page of one run, wherever it lies."""
    try:
        say(console, f"report: {report.write(run, run.path)}")
    except OSError as error:
        complain(0, f"no report: {error.filename} cannot be written: {error.strerror}")


def leave_index(out: Path) -> None:
    """Write the browser of all runs, or refresh it."""
    try:
        index.write(out)
    except OSError as error:
        complain(0, f"no {index.INDEX}: {error.filename} cannot be written: {error.strerror}")


def _pages(directories: Sequence[Path]) -> list[Path]:
    pages = []
    for directory in filter(is_logged, directories):
        run = load(directory)
        pages.append(report.write(run, directory))
        if len(directories) <= MAX_CHARTS:
            write_files(drawings(run), report.place(directory, FOLDER))
    return pages


def _experiments(directories: Sequence[Path], every: Sequence[Mapping[str, Any]]) -> list[Path]:
    """The pages of the folders that hold more than one of the runs."""
    folders: dict[Path, list[int]] = {}
    for number, directory in enumerate(directories):
        folders.setdefault(directory.resolve().parent, []).append(number)
    pages = []
    for numbers in folders.values():
        if len(numbers) > 1:
            own = [directories[number] for number in numbers]
            figures = [every[number] for number in numbers]
            rows = by_run(figures, list(map(place_of, own)))
            verdicts = list(map(index.verdict_of, own))
            pages.append(experiment.write(own[0].parent, rows, figures, verdicts))
    return pages
