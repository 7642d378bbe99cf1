"""What a check finds."""

from dataclasses import dataclass

Name = tuple[str, int]


@dataclass(frozen=True)
class Line:
    """One event of a witness: where the log has it, and what it says there."""

    machine: str
    index: int
    file: str
    line: int
    says: str


@dataclass(frozen=True)
class Violation:
    """A row that must not exist, named by the event that it is about.

    `events` are all events that are involved, `machine` and `index` among them; `witness` is the
    fewest lines of the logs that together cannot be.
    """

    check: str
    run: str
    machine: str
    index: int
    because: str
    events: tuple[Name, ...] = ()
    witness: tuple[Line, ...] = ()
