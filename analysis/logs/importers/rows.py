"""Rows of text, as importers cut them out of lines, and their conversion to events."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from analysis.history.run import TORN, Damage, InputError
from analysis.logs.foreign import EXTRACT_COLUMNS, Extract
from analysis.logs.importers.times import Times
from vm.records import Kind
from vm.spec import natural_order

#: The reason for which a line that an expression does not fit is not used.
NO_EVENT = "the expression finds no event here"
NUMBER = re.compile(r"[0-9]{1,18}")
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

    def extract(
        self, path: Path, format_name: str, rows: Iterable[Row], queue: str = ""
    ) -> Extract:
        """Convert the rows of a run; those of each machine are in the order of its log.

        InputError if no row can be converted.
        """
        times = Times(self.unit)
        events = [event for row in rows if (event := self._event(row, times))]
        if not events:
            raise InputError(f"{path}: no event could be read{self._commonest_reason()}")
        machines = sorted({event["machine"] for event in events}, key=natural_order)
        events.sort(key=lambda event: machines.index(event["machine"]))
        notes = _name_peers(events, machines)
        return Extract(
            name=path.resolve().name,
            path=path,
            format=format_name,
            machines=tuple(machines),
            events=pl.DataFrame(events, EXTRACT_COLUMNS),
            files={event["machine"]: event["file"] for event in events},
            damage=tuple(self.damage),
            queue=queue,
            conventions=(*times.notes(), *notes),
        )

    def _commonest_reason(self) -> str:
        """Return why most lines could not be used; reasons that differ in the value are one.

        Lines that are no events at all count only if there are no others.
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
        at_ns, problem = None, "" if kind else f"{row.kind!r} is no kind of event that is known"
        for name in ("clock", "queue", "stamp"):
            text = getattr(row, name)
            if not (NUMBER.fullmatch(text) or (not text and name != "clock")):
                problem = problem or f"the {name} cannot be {text!r}"
        try:
            at_ns = times.ns(row.machine, row.time) if row.time else None
        except ValueError:
            problem = problem or f"the time cannot be {row.time!r}"
        if problem:
            self.refuse(row.file, row.line, problem)
            return None
        return {
            "machine": row.machine,
            "kind": kind,
            "at_ns": at_ns,
            "arrived_ns": None,
            "queue": int(row.queue) if row.queue else None,
            "clock": int(row.clock),
            "stamp": int(row.stamp) if row.stamp else None,
            "to": _names(row.receivers) if kind == "send" else None,
            "sender": (row.sender or None) if kind == "receive" else None,
            "file": row.file,
            "line": row.line,
        }

    def kind_of(self, text: str) -> Kind | None:
        """Return the kind of the first known word in a text."""
        words = [text.strip().lower(), *re.findall(r"[^\W_]+", text.lower())]
        return next((self.kinds[word] for word in words if word in self.kinds), None)

    def lines(self, file: Path) -> Iterator[tuple[int, str]]:
        """Return the non-empty lines of a file with their numbers."""
        *whole, last = file.read_text(encoding="utf-8", errors="replace").split("\n")
        self._torn[file.name] = len(whole) + 1 if last else 0
        return ((n, line) for n, line in enumerate([*whole, last], 1) if line.strip())

    def refuse(self, file: str, line: int, reason: str) -> None:
        torn = f"{TORN}: " if line == self._torn.get(file) else ""
        self.damage.append(Damage(file, line, f"{torn}{reason}"))


def _names(text: str) -> list[str] | None:
    """Split a list of names with any separators."""
    return re.findall(r"[^\s,;\[\]()'\"]+", text) or None


def _name_peers(events: list[dict[str, Any]], machines: list[str]) -> list[str]:
    """Replace aliases of peers by the names of machines; return a note for each alias."""
    named = {name for event in events for name in [*(event["to"] or ()), event["sender"]] if name}
    aliases = {name: same for name in named - {*machines} if (same := _same(name, machines))}
    for event in events:
        others = [machine for machine in machines if machine != event["machine"]]
        if event["sender"]:
            event["sender"] = aliases.get(event["sender"], event["sender"])
        if event["to"] and {name.lower() for name in event["to"]} & ALL_OTHERS:
            event["to"] = others
        elif event["to"]:
            event["to"] = [aliases.get(name, name) for name in event["to"]]
    pairs = sorted(aliases.items())
    return [f"{name} is taken for {machine}, by its number" for name, machine in pairs]


def _same(name: str, machines: list[str]) -> str | None:
    """Return the machine whose name ends in the same number, if there is exactly one."""
    number = re.search(r"[0-9]+$", name)
    if not number:
        return None
    same = [
        m for m in machines if (own := re.search(r"[0-9]+", m)) and int(own[0]) == int(number[0])
    ]
    return same[0] if len(same) == 1 else None
