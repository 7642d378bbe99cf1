"""The verdicts on the submissions of a class: a line and a row of a table for each, and a total."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from analysis.evaluation import EXIT_CODES, State, Verdict
from analysis.history.run import Run
from analysis.text.notes import trouble
from analysis.text.verdict import first_cause, headline
from vm.quoting import counted, plain

#: The most characters of the cause in a line and in a table.
MAX_CAUSE = 200
MAX_CELL = 2000
#: A cell that begins like this is a formula for a spreadsheet.
FORMULA = r"^[=+\-@]"
#: The states of verdicts in the order of a total, and that of a submission without one.
Result = Literal[State, "unreadable"]
RESULTS: tuple[Result, ...] = ("holds", "violated", "inconclusive", "unreadable")
TEXTS = ("path", "verdict", "first_cause", "checks_violated")
#: A submission with its runs; a run is None if it cannot be read.
Judged = Sequence[tuple[Run | None, Verdict]]


@dataclass(frozen=True)
class SubmissionRow:
    """A submission as a row of a table; unknown values are None.

    `checks_violated` names the checks with their number of violations. `sends` and `receives`
    count events, `messages` the messages in the account. If a log holds several executions, the
    numbers count all of them, and the verdict is the worst.
    """

    path: str
    verdict: Result
    first_cause: str
    checks_violated: str = ""
    checks_held: int | None = None
    executions: int | None = None
    machines: int | None = None
    events: int | None = None
    sends: int | None = None
    receives: int | None = None
    messages: int | None = None


def row_of(label: str, judged: Judged) -> SubmissionRow:
    """Return the row of a submission."""
    run, worst = _worst(judged)
    cause = plain(first_cause(worst), MAX_CELL)
    runs = [run for run, _ in judged if run]
    if run is None:
        return SubmissionRow(label, "unreadable", cause)
    kinds = sum(map(_kinds, runs), Counter[str]())
    violated = Counter(violation.check for violation in worst.violations)
    return SubmissionRow(
        path=label,
        verdict=worst.state,
        first_cause=f"{run.name}: {cause}" if cause and len(runs) > 1 else cause,
        checks_violated="; ".join(f"{check} ({count})" for check, count in violated.items()),
        checks_held=len(worst.holding),
        executions=len(runs),
        machines=len({machine for run in runs for machine in run.machines}),
        events=kinds.total(),
        sends=kinds["send"],
        receives=kinds["receive"],
        messages=_messages(verdict for _, verdict in judged),
    )


def line_of(row: SubmissionRow, judged: Judged) -> str:
    """Return a submission's line: path, verdict and first cause."""
    run, worst = _worst(judged)
    state = headline(worst, trouble(run)) if run else row.verdict
    return ": ".join(filter(None, (row.path, state, plain(row.first_cause, MAX_CAUSE))))


def total(rows: Sequence[SubmissionRow], paths: Iterable[Path]) -> str:
    """Return the number of submissions, which are at these paths, and of those with each result.

    >>> rows = SubmissionRow("ann", "holds", ""), SubmissionRow("ben", "unreadable", "no logs")
    >>> total(rows, [Path(), Path()])
    '2 folders: 1 holds, 1 unreadable'
    """
    counts = Counter(row.verdict for row in rows)
    words = {"holds": "holds" if counts["holds"] == 1 else "hold"}
    parts = [f"{counts[one]:,} {words.get(one, one)}" for one in RESULTS if counts[one]]
    files = sum(path.is_file() for path in paths)
    # A folder in an archive has a path of its own, at which nothing is.
    folders = len(rows) - files
    things = [counted(folders, "folder")] * bool(folders) + [counted(files, "file")] * bool(files)
    return f"{' and '.join(things)}: {', '.join(parts)}"


def table(rows: Sequence[SubmissionRow]) -> pl.DataFrame:
    """Return the rows as a table in which no cell is a formula."""
    types = {
        name: pl.String if name in TEXTS else pl.Int64
        for name in SubmissionRow.__dataclass_fields__
    }
    return pl.DataFrame([asdict(row) for row in rows], types).with_columns(
        pl.col("path").str.replace(FORMULA, "./${0}"),
        pl.col("first_cause").str.replace(FORMULA, " ${0}"),
    )


def _worst(judged: Judged) -> tuple[Run | None, Verdict]:
    """Return the run with the worst verdict, the first of several."""
    precedence = [*EXIT_CODES]
    return max(judged, key=lambda one: precedence.index(one[1].state))


def _kinds(run: Run) -> Counter[str]:
    events = run.scan if run.is_big else run.events.lazy()
    return Counter(dict(events.group_by("kind").len().collect().iter_rows()))


def _messages(verdicts: Iterable[Verdict]) -> int | None:
    accounts = [verdict.account for verdict in verdicts]
    if any(account is None or account.unnamed_sends for account in accounts):
        return None
    return sum(account.sent - account.duplicated for account in accounts if account)
