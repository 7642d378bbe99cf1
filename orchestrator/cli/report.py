"""The pages that `run` and `analyse` leave: of each run, of each experiment, and of all runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis.events import is_logged, load
from analysis.points import by_run, place_of
from analysis.report import experiment, index
from analysis.report import run as report
from analysis.report.charts import FOLDER, drawings, write_files
from orchestrator.cli.console import complain, say

#: Up to so many runs get pages of their own at once: each takes a second, for its charts' files.
MAX_PAGES = 12


def leave_pages(
    directories: Sequence[Path], every: Sequence[Mapping[str, Any]], console: Console
) -> None:
    """Write the pages of runs whose figures are `every`, and of the folders that hold several.

    Runs that are somebody else's, where nothing can be written, are told and left alone.
    """
    try:
        pages = [_page(directory) for directory in directories[:MAX_PAGES] if is_logged(directory)]
        pages += _experiments(directories, every)
    except OSError as error:
        complain(0, f"no report: {error.filename} cannot be written: {error.strerror}")
        return
    if pages:
        say(console, f"report: {pages[-1]}")
    if len(directories) > MAX_PAGES:
        say(console, f"the first {MAX_PAGES} runs have reports; `vklocks analyse RUN` makes others")


def leave_index(out: Path) -> None:
    """Write the browser of all runs, or refresh it."""
    try:
        index.write(out)
    except OSError as error:
        complain(0, f"no {index.INDEX}: {error.filename} cannot be written: {error.strerror}")


def _page(directory: Path) -> Path:
    run = load(directory)
    if not directory.is_dir():
        # A log that is a run of its own has no directory for its charts.
        return report.write(run, directory.parent)
    write_files(drawings(run), directory / FOLDER)
    return report.write(run, directory)


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
