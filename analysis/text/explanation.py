"""The reading of the logs in a folder, in words."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from analysis.logs.importers.explained import Explained, Match
from analysis.logs.importers.rows import FIXED, Row
from analysis.metrics.labels import counted
from analysis.text.notes import notes_on_damage, notes_on_files, notes_on_noise
from analysis.text.verdict import undecided
from vm.quoting import plain

MAX_FILES = 20
#: Characters of a printed line.
MAX_LINE = 1000
MAX_WAY = 200
PLACE = ("file", "line")


def print_explanation(found: Explained, console: Console) -> None:
    """Print which lines matched, what was captured, what was left over, and the conventions."""
    for line in explain(found):
        console.print(Text(plain(line, MAX_LINE)), soft_wrap=True)


def explain(found: Explained) -> Iterator[str]:
    """Yield the lines of an explanation."""
    first = found.runs[0]
    events = sum(found.events.values())
    name, of_runs = first.name, ""
    if len(found.runs) > 1:
        # Names of runs appended to a file begin with that of the folder.
        name, of_runs = name.rpartition("#")[0], f" of {len(found.runs)} runs"
    yield f"{name}: {counted(events, 'event')}{of_runs} in {counted(len(found.events), 'file')}"
    for file, lines in list(found.events.items())[:MAX_FILES]:
        yield f"  {file}: {counted(lines, 'event')}"
    if (more := len(found.events) - MAX_FILES) > 0:
        yield f"  and {counted(more, 'more file')}"
    for match in found.matches:
        yield from _explain_match(match)
    for run in found.runs:
        where = f" of {run.name}" * (len(found.runs) > 1)
        yield from (f"  convention{where}: {one}" for one in run.conventions)
        yield from (f"  {one}" for one in undecided(run))
        notes = (*notes_on_noise(run), *notes_on_damage(run.damage), *notes_on_files(run))
        yield from (f"  {note}" for note in notes)


def _explain_match(match: Match) -> Iterator[str]:
    yield f"  {counted(match.events, 'event')} by {plain(match.way, MAX_WAY)}"
    for row in match.examples:
        yield f"    {row.file}:{row.line}: {', '.join(_captured(row))}"


def _captured(row: Row) -> Iterator[str]:
    parts = row._asdict()
    if row.sender == row.receivers:
        parts |= {"sender": "", "receivers": "", "peer": row.sender}
    for name, value in parts.items():
        if value and name not in PLACE:
            yield f"{name} {plain(str(value).removeprefix(FIXED))}"
