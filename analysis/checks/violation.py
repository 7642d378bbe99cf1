"""What a check finds: violations, and the cases among which it looked for them."""

from dataclasses import dataclass

Name = tuple[str, int]


@dataclass(frozen=True)
class Line:
    """One event of a witness: where the log has it, and what it reads there."""

    machine: str
    index: int
    file: str
    line: int
    says: str


@dataclass(frozen=True)
class Violation:
    """A row that must not exist, named by the event that it is about.

    `events` are all events that are involved, `machine` and `index` among them; `witness` is the
    fewest lines of the logs that together cannot be. `peer` is a machine that is involved by what
    its log lacks.
    """

    check: str
    run: str
    machine: str
    index: int
    because: str
    events: tuple[Name, ...] = ()
    witness: tuple[Line, ...] = ()
    peer: str = ""

    @property
    def shown(self) -> Name:
        """The event to show: its own, unless the logs hold only others of those involved."""
        own, logged = (self.machine, self.index), [(one.machine, one.index) for one in self.witness]
        return own if own in logged or not logged else logged[0]


@dataclass(frozen=True)
class Coverage:
    """How many cases a check looked at, of how many: 130 of 130 receives.

    `why` is the reason if the logs lack what the check needs.
    """

    checked: int
    total: int
    unit: str
    why: str = ""

    def __str__(self) -> str:
        return (
            f"{self.checked:,} of {self.total:,} {self.unit}" if self.total else f"no {self.unit}"
        )
