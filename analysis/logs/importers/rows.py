"""Rows of text, as importers cut them out of lines, and their conversion to events."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from analysis.history.run import TORN, Damage, InputError
from analysis.logs.foreign import EXTRACT_COLUMNS, Extract, check_size
from analysis.logs.importers.times import Times
from analysis.logs.limits import (
    MAX_EVENTS,
    MAX_LINE_CHARACTERS,
    MAX_MACHINES,
    MAX_NAME_CHARACTERS,
    MAX_REASON_CHARACTERS,
    MAX_RECEIVERS,
)
from vm.files import name_of, open_regular
from vm.quoting import escaped, plain, quoted
from vm.records import Kind
from vm.spec import natural_order

#: The reason for a line that the expression does not match.
NO_EVENT = "the expression finds no event here"
NUMBER = re.compile(r"[0-9]{1,18}")
NUMBERED = re.compile(r"[0-9]+")
#: The kind of an event by a word in its name.
KIND_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("internal", "local", "int", "i"), "internal"),
    **dict.fromkeys(("send", "sent", "sending", "broadcast", "s"), "send"),
    **dict.fromkeys(("receive", "received", "receiving", "recv", "rcv", "r"), "receive"),
}
#: Names that stand for all other machines.
ALL_OTHERS = {"all", "everyone", "everybody", "broadcast", "both", "*"}


class Row(NamedTuple):
    """One event in one log; a field that the log lacks is ""."""

    file: str
    line: int
    machine: str
    time: str
    clock: str
    kind: str
    queue: str = ""
    sender: str = ""
    receivers: str = ""
    stamp: str = ""


@dataclass
class Reader:
    """Converts rows to events, and collects those that cannot be converted as damage.

    `unit` is that of `times.Times`; the keys of `kinds` are words in lower case.
    """

    unit: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KIND_WORDS)
    damage: list[Damage] = field(default_factory=list)
    _torn: dict[str, int] = field(default_factory=dict)
    _lines: int = 0
    _receivers: int = 0

    def extract(
        self, path: Path, format_name: str, rows: Iterable[Row], queue: str = ""
    ) -> Extract:
        """Convert the rows of a run; those of each machine are in the order of its log.

        InputError if no row can be converted.
        """
        times = Times(self.unit)
        events = [event for row in rows if (event := self._event(row, times))]
        machines = {event["machine"] for event in events}
        check_size(path, len(events), len(machines))
        if not events:
            raise InputError(f"{path}: no event could be read{self._commonest_reason()}")
        ordered = sorted(machines, key=natural_order)
        numbers = {machine: number for number, machine in enumerate(ordered)}
        events.sort(key=lambda event: numbers[event["machine"]])
        notes = _name_peers(events, ordered)
        return Extract(
            name=name_of(path),
            path=path,
            format=format_name,
            machines=tuple(ordered),
            events=pl.DataFrame(events, EXTRACT_COLUMNS),
            files={event["machine"]: event["file"] for event in events},
            damage=tuple(self.damage),
            queue=queue,
            conventions=(*times.notes(), *notes),
        )

    def _commonest_reason(self) -> str:
        """Return why most lines could not be used; reasons that differ in the value count as one.

        Lines that the expression does not match count only if there are no others.
        """
        events = [one for one in self.damage if NO_EVENT not in one.reason] or self.damage
        kinds = [one.reason.partition("'")[0] for one in events]
        if not kinds:
            return ""
        (kind, count), *_ = Counter(kinds).most_common(1)
        first = events[kinds.index(kind)]
        lines = "1 line" if count == 1 else f"{count} lines"
        return f": {first.reason} ({lines}, the first is {first.file}:{first.line})"

    def _event(self, row: Row, times: Times) -> dict[str, Any] | None:
        kind = self.kind_of(row.kind)
        at_ns = None
        problem = "" if kind else f"{quoted(row.kind)} is no kind of event that is known"
        for name in ("clock", "queue", "stamp"):
            text = getattr(row, name)
            if not (NUMBER.fullmatch(text) or (not text and name != "clock")):
                problem = problem or f"the {name} cannot be {quoted(text)}"
        try:
            at_ns = times.ns(row.machine, row.time) if row.time else None
        except ValueError:
            problem = problem or f"the time cannot be {quoted(row.time)}"
        if len(row.machine) > MAX_NAME_CHARACTERS or len(row.sender) > MAX_NAME_CHARACTERS:
            problem = problem or f"a machine's name is longer than {MAX_NAME_CHARACTERS} characters"
        if problem:
            self.refuse(row.file, row.line, problem)
            return None
        to = _names(row.receivers) if kind == "send" else None
        self._receivers += len(to or ())
        if self._receivers > MAX_RECEIVERS:
            raise InputError(f"{row.file}: the events name more than {MAX_RECEIVERS:,} receivers")
        return {
            "machine": row.machine,
            "kind": kind,
            "at_ns": at_ns,
            "arrived_ns": None,
            "queue": int(row.queue) if row.queue else None,
            "clock": int(row.clock),
            "stamp": int(row.stamp) if row.stamp else None,
            "to": to,
            "sender": (row.sender or None) if kind == "receive" else None,
            "file": row.file,
            "line": row.line,
        }

    def kind_of(self, text: str) -> Kind | None:
        """Return the kind of the first known word in a text."""
        words = [text.strip().lower(), *re.findall(r"[^\W_]+", text.lower())]
        return next((self.kinds[word] for word in words if word in self.kinds), None)

    def lines(self, file: Path) -> Iterator[tuple[int, str]]:
        """Yield the non-empty lines of a file, numbered; InputError if they are too many."""
        name = escaped(file.name)
        with TextIOWrapper(open_regular(file), encoding="utf-8", errors="replace") as text:
            for number in count(1):
                line = text.readline(MAX_LINE_CHARACTERS)
                if line and not line.endswith("\n"):
                    self._torn[name] = number
                if len(line) == MAX_LINE_CHARACTERS:
                    why = f"the line has more than {MAX_LINE_CHARACTERS:,} characters"
                    self.refuse(name, number, f"{why}, and the log is read no further")
                    return
                if not line:
                    return
                self._lines += 1
                if self._lines > MAX_EVENTS:
                    raise InputError(f"{file}: more than {MAX_EVENTS:,} lines in the logs of a run")
                if line.strip():
                    yield number, line.removesuffix("\n")

    def refuse(self, file: str, line: int, reason: str) -> None:
        torn = f"{TORN}: " if line == self._torn.get(file) else ""
        self.damage.append(Damage(file, line, plain(f"{torn}{reason}", MAX_REASON_CHARACTERS)))


def _names(text: str) -> list[str] | None:
    """Split a list of names with any separators."""
    return list(dict.fromkeys(re.findall(r"[^\s,;\[\]()'\"]+", text)))[:MAX_MACHINES] or None


def _name_peers(events: list[dict[str, Any]], machines: list[str]) -> list[str]:
    """Replace aliases of peers by the names of machines; return a note for each alias."""
    named = {name for event in events for name in [*(event["to"] or ()), event["sender"]] if name}
    by_number: dict[int, list[str]] = {}
    for machine in machines:
        if own := NUMBERED.search(machine):
            by_number.setdefault(int(own[0]), []).append(machine)
    aliases = {name: same for name in named - {*machines} if (same := _same(name, by_number))}
    for event in events:
        if event["sender"]:
            event["sender"] = aliases.get(event["sender"], event["sender"])
        if event["to"] and {name.lower() for name in event["to"]} & ALL_OTHERS:
            event["to"] = [machine for machine in machines if machine != event["machine"]]
        elif event["to"]:
            event["to"] = [aliases.get(name, name) for name in event["to"]]
    pairs = sorted(aliases.items())
    return [f"{name} is taken for {machine}, by its number" for name, machine in pairs]


def _same(name: str, machines: Mapping[int, list[str]]) -> str | None:
    """Return the machine with the number at the end of a name; None if not exactly one has it."""
    number = re.search(r"[0-9]{1,200}$", name)
    same = machines.get(int(number[0]), []) if number else []
    return same[0] if len(same) == 1 else None
