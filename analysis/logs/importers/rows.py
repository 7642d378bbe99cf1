"""Events of which every field is a text, as importers cut them out of lines."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from analysis.history.run import TORN, Damage, InputError
from analysis.logs.foreign import TOLD, Told
from analysis.logs.importers.times import Times
from vm.records import Kind
from vm.spec import natural_order

NUMBER = re.compile(r"[0-9]{1,18}")
#: The words in the name of an event that tell its kind.
WORDS: dict[str, Kind] = {
    **dict.fromkeys(("internal", "local", "int", "i"), "internal"),
    **dict.fromkeys(("send", "sent", "sending", "broadcast", "s"), "send"),
    **dict.fromkeys(("receive", "received", "receiving", "recv", "rcv", "r"), "receive"),
}
#: Stand for all other machines.
EVERYBODY = {"all", "everyone", "everybody", "broadcast", "both", "*"}


class Row(NamedTuple):
    """One event in one log; "" is what it does not tell."""

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
    """How the texts are to be understood, and what could not be.

    `unit` is what `times.Times` takes; the keys of `kinds` are words in lower case.
    """

    unit: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=lambda: WORDS)
    damage: list[Damage] = field(default_factory=list)
    _torn: dict[str, int] = field(default_factory=dict)

    def told(self, path: Path, format_name: str, rows: Iterable[Row], queue: str = "") -> Told:
        """What the rows of a run tell; each machine's are in the order of its log.

        InputError if no row can be understood.
        """
        times = Times(self.unit)
        events = [event for row in rows if (event := self._event(row, times))]
        if not events:
            why = f": {self.damage[0].reason}" if self.damage else ""
            raise InputError(f"{path}: no event could be read{why}")
        machines = sorted({event["machine"] for event in events}, key=natural_order)
        events.sort(key=lambda event: machines.index(event["machine"]))
        notes = _name_peers(events, machines)
        return Told(
            name=path.resolve().name,
            path=path,
            format=format_name,
            machines=tuple(machines),
            events=pl.DataFrame(events, TOLD),
            files={event["machine"]: event["file"] for event in events},
            damage=tuple(self.damage),
            queue=queue,
            conventions=(*times.notes(), *notes),
        )

    def _event(self, row: Row, times: Times) -> dict[str, Any] | None:
        kind = self.kind_of(row.kind)
        at_ns, problem = None, "" if kind else f"{row.kind!r} is no kind of event that is known"
        for what in ("clock", "queue", "stamp"):
            text = getattr(row, what)
            if not (NUMBER.fullmatch(text) or (not text and what != "clock")):
                problem = problem or f"the {what} cannot be {text!r}"
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
        """The kind that the first known word of a text tells."""
        words = [text.strip().lower(), *re.findall(r"[^\W_]+", text.lower())]
        return next((self.kinds[word] for word in words if word in self.kinds), None)

    def lines(self, file: Path) -> Iterator[tuple[int, str]]:
        """The lines of a file that are not empty, with their numbers."""
        *whole, last = file.read_text(encoding="utf-8", errors="replace").split("\n")
        self._torn[file.name] = len(whole) + 1 if last else 0
        return ((n, line) for n, line in enumerate([*whole, last], 1) if line.strip())

    def refuse(self, file: str, line: int, reason: str) -> None:
        torn = f"{TORN}: " if line == self._torn.get(file) else ""
        self.damage.append(Damage(file, line, f"{torn}{reason}"))


def _names(text: str) -> list[str] | None:
    """The names in a list that is written somehow."""
    return re.findall(r"[^\s,;\[\]()'\"]+", text) or None


def _name_peers(events: list[dict[str, Any]], machines: list[str]) -> list[str]:
    """Call peers as their logs call them; what was concluded for that."""
    called = {name for event in events for name in [*(event["to"] or ()), event["sender"]] if name}
    names = {name: same for name in called - {*machines} if (same := _same(name, machines))}
    for event in events:
        others = [machine for machine in machines if machine != event["machine"]]
        if event["sender"]:
            event["sender"] = names.get(event["sender"], event["sender"])
        if event["to"] and {name.lower() for name in event["to"]} & EVERYBODY:
            event["to"] = others
        elif event["to"]:
            event["to"] = [names.get(name, name) for name in event["to"]]
    pairs = sorted(names.items())
    return [f"who is called {name} is {machine}, by the number" for name, machine in pairs]


def _same(name: str, machines: list[str]) -> str | None:
    """The one machine whose name has the same number at its end."""
    number = re.search(r"[0-9]+$", name)
    if not number:
        return None
    same = [
        m for m in machines if (own := re.search(r"[0-9]+", m)) and int(own[0]) == int(number[0])
    ]
    return same[0] if len(same) == 1 else None
