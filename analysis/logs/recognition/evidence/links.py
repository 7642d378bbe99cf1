"""Receives whose clock or stamp is that of one send only: the messages that are sure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.logs.recognition.candidates import Candidate, event_of
from analysis.logs.recognition.evidence.score import Logged, Seen, timestamps, trials
from analysis.logs.recognition.mined.shapes import Entry


class Link(NamedTuple):
    """A message: the lines of its send, and the line of its receive."""

    sender: str
    sent: tuple[Entry, ...]
    receiver: str
    received: Entry


def links(reading: Candidate, events: Mapping[str, Sequence[Entry]]) -> list[Link]:
    """Return the messages that are sure by the clocks alone, whoever their lines name."""
    grouped = {machine: list(_grouped(reading, some)) for machine, some in events.items()}
    seen = {machine: [one for _, one in some] for machine, some in grouped.items()}
    found: list[Link] = []
    begin = dict.fromkeys(events, 0)
    for trial in trials(seen):
        part = {m: grouped[m][begin[m] : begin[m] + len(its)] for m, its in trial.items()}
        begin = {m: begin[m] + len(its) for m, its in trial.items()}
        same, before = (_links(part, reading.logged, lag) for lag in (0, 1))
        found += same if len(same) >= len(before) else before
    return found


def _grouped(
    reading: Candidate, entries: Sequence[Entry]
) -> Iterator[tuple[tuple[Entry, ...], Seen]]:
    """Yield events with their lines: several for a send that is logged once per receiver."""
    bare = reading.bare
    lines: list[Entry] = []
    last: Seen | None = None
    for entry in entries:
        event = event_of(bare, "", entry)
        if last and event.kind == last.kind == "send" and event.clock == last.clock:
            lines.append(entry)
            continue
        if last:
            yield tuple(lines), last
        lines, last = [entry], event
    if last:
        yield tuple(lines), last


def _links(
    events: Mapping[str, Sequence[tuple[tuple[Entry, ...], Seen]]], logged: Logged, lag: int
) -> list[Link]:
    clocks = {m: timestamps([one for _, one in some], logged) for m, some in events.items()}
    sent: dict[int, list[tuple[str, tuple[Entry, ...]]]] = {}
    for machine, some in events.items():
        for (lines, event), (_, after) in zip(some, clocks[machine], strict=True):
            if event.kind == "send":
                sent.setdefault(after, []).append((machine, lines))
    found = []
    for machine, some in events.items():
        for (lines, event), (before, after) in zip(some, clocks[machine], strict=True):
            if event.kind == "receive" and (event.stamp is not None or after > before + 1):
                clock = (after - 1 if event.stamp is None else event.stamp) + lag
                fit = [one for one in sent.get(clock, ()) if one[0] != machine]
                found += [Link(*one, machine, lines[0]) for one in fit if len(fit) == 1]
    return found


def receivers_by_shape(found: Sequence[Link]) -> Mapping[tuple[str, int], Counter[str]]:
    """Count the receivers of sends by sender and shape."""
    counts: dict[tuple[str, int], Counter[str]] = {}
    for link in found:
        for entry in link.sent:
            counts.setdefault((link.sender, entry.shape), Counter())[link.receiver] += 1
    return counts
