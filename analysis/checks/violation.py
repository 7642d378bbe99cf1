"""The results of a check: violations, and the number of checked cases."""

from dataclasses import dataclass

Name = tuple[str, int]
#: The peer of a violation that the log of any other machine may explain.
ANY = "*"


@dataclass(frozen=True)
class Line:
    """One event of a witness: its place in the log, and the relevant content of its line."""

    machine: str
    index: int
    file: str
    line: int
    says: str


@dataclass(frozen=True)
class Violation:
    """A violation of a check, named by one event.

    `events` are all events that are involved, `machine` and `index` among them; `witness` is the
    smallest set of log lines that contradict each other. `peer` is a machine that is involved
    because its log lacks an event; ANY stands for all machines.
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
        """The event to show: the named one, or the first of the witness if it is not logged."""
        own, logged = (self.machine, self.index), [(one.machine, one.index) for one in self.witness]
        return own if own in logged or not logged else logged[0]


@dataclass(frozen=True)
class Coverage:
    """The number of cases that a check covered, of all cases: 130 of 130 receives.

    `why` is the reason if the logs do not allow the check.
    """

    checked: int
    total: int
    unit: str
    why: str = ""

    def __str__(self) -> str:
        if not self.total:
            return f"no {self.unit}"
        things, *more = self.unit.split(" ")
        unit = [things.removesuffix("s"), *more] if self.total == 1 else [things, *more]
        return f"{self.checked:,} of {self.total:,} {' '.join(unit)}"
