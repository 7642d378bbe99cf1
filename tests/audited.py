"""What an audit of a folder of foreign logs found, in the terms in which truth is written down."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.evaluation import Verdict, evaluate
from analysis.history.run import Run
from analysis.logs.finding import find_runs

#: A line as the file's name without its folder or archive, and its number.
Place = str


@dataclass(frozen=True, eq=False)
class Audited:
    """A run with its verdict. `renamed` gives the names that files had before they were varied."""

    run: Run
    verdict: Verdict
    renamed: dict[str, str]

    def file(self, name: str) -> str:
        """Return the first name of a file: without its archive, and before it was renamed."""
        bare = re.split(r"[/!:]", name)[-1]
        return self.renamed.get(bare, bare)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The events, with the place of each as `at` and that of its send as `of`."""
        rows = self.run.events.to_dicts()
        for row in rows:
            row["at"] = f"{self.file(row['file'])}:{row['line']}"
        named = {(row["machine"], row["index"]): row["at"] for row in rows}
        for row in rows:
            row["of"] = named.get((row["sender"], row["cause"]))
        return rows

    @property
    def machines(self) -> dict[str, str]:
        """The names of the machines by the first names of their files."""
        return {self.file(name): machine for machine, name in self.run.files.items()}

    @property
    def kinds(self) -> Counter[str]:
        return Counter(row["kind"] for row in self.rows)

    @property
    def matches(self) -> dict[Place, Place]:
        """The places of the sends by the places of their receives."""
        received = (row for row in self.rows if row["kind"] == "receive")
        return {row["at"]: row["of"] for row in received if row["of"]}

    @property
    def checks(self) -> Counter[str]:
        """The number of violations of each check."""
        return Counter(violation.check for violation in self.verdict.violations)

    @property
    def received(self) -> int:
        """The number of receives in the account."""
        ends = self.account
        return ends.received + ends.open + ends.unnamed_received + ends.unmatched_receives

    @property
    def left(self) -> int:
        """The number of copies in the account that were sent and never received."""
        return self.account.undelivered + self.account.inbox

    @property
    def account(self) -> Any:
        assert self.verdict.account, "there is no account"
        return self.verdict.account


def audits(path: Path, renamed: dict[str, str] | None = None) -> Iterator[Audited]:
    """Yield the runs of the one submission in a folder, found without a description."""
    sources = find_runs([path])
    assert len(sources) == 1, f"{len(sources)} sources: {[str(one.path) for one in sources]}"
    for run in sources[0].load():
        yield Audited(run, evaluate(run).verdict, renamed or {})
