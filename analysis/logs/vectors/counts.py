"""The events of each host by its own count: repeated, appended, missing, or of two processes.

The component of its own host counts the events of a host, so it shows which events a log lacks and
which it holds twice. The first event reads 1, or 0 if it is the start of the host.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from analysis.history.run import Clash
from analysis.logs.vectors.events import HostEvent
from vm.quoting import counted, plain
from vm.spec import natural_order

#: The most hosts and lines that notes list one by one.
MAX_LISTED = 10
MAX_EXAMPLE = 60
Content = tuple[str, tuple[tuple[str, int], ...], str, str]
Hosts = Mapping[str, Sequence[HostEvent]]


def by_host(events: Sequence[HostEvent]) -> dict[str, list[HostEvent]]:
    """Return the events of each host in the order of their files, hosts in natural order."""
    found = defaultdict[str, list[HostEvent]](list)
    for event in events:
        found[event.host].append(event)
    return {host: found[host] for host in sorted(found, key=natural_order)}


def without_copies(events: Sequence[HostEvent], notes: list[str]) -> list[HostEvent]:
    """Return the events without those that are in the logs a second time, word for word."""
    first: dict[Content, HostEvent] = {}
    copies = list[tuple[HostEvent, HostEvent]]()
    for event in events:
        if (there := first.setdefault(_content(event), event)) is not event:
            copies.append((there, event))
    for one, copy in copies[:MAX_LISTED]:
        notes.append(f"{_lines(one, copy)} are the same event of {one.host} (count {one.counts})")
    if (more := len(copies) - MAX_LISTED) > 0:
        notes.append(f"{counted(more, 'more line')} are events that other lines hold")
    return list(first.values())


def _content(event: HostEvent) -> Content:
    """Return everything about an event except its place."""
    return event.host, tuple(sorted(event.clock.items())), event.text, event.time


def _lines(one: HostEvent, other: HostEvent) -> str:
    if one.file == other.file:
        return f"lines {one.line} and {other.line}"
    return f"{one.file}:{one.line} and {other.file}:{other.line}"


def trials(events: Sequence[HostEvent]) -> list[list[HostEvent]]:
    """Split events in the order of the files into executions that were appended to each other.

    Every host must begin again equally often, each time with a count as low as its first one, and
    count upwards in between; otherwise all events are of one execution, and some are in twice.
    """
    hosts = list(by_host(events).values())
    are_apart = any(len({event.file for event in own}) > 1 for own in hosts)
    if are_apart or all(len({event.counts for event in own}) == len(own) for own in hosts):
        return [list(events)]
    most = max(len(_rising(own, again=False)) for own in hosts)
    # A host with one event in each execution does not fall back: it reads the same again.
    parts = [
        rising if len(rising := _rising(own, again=False)) == most else _rising(own, again=True)
        for own in hosts
    ]
    if most == 1 or any(len(part) != most or not all(map(_is_rising, part)) for part in parts):
        return [list(events)]
    times = {*Counter(map(_content, events)).values()}
    if times not in ({1}, {most}):
        return [list(events)]
    executions = zip(*parts, strict=True)
    return [[event for own in execution for event in own] for execution in executions]


def _is_rising(own: Sequence[HostEvent]) -> bool:
    return all(before.counts < event.counts for before, event in pairwise(own))


def _rising(own: Sequence[HostEvent], *, again: bool) -> list[list[HostEvent]]:
    """Split the events of a host where its count falls to the first one or below, or if `again`,
    where it reads the same again."""
    found = [[own[0]]]
    for before, event in pairwise(own):
        if event.counts <= own[0].counts and (again or event.counts < before.counts):
            found.append([])
        found[-1].append(event)
    return found


def clashes(hosts: Hosts) -> dict[str, Clash]:
    """Return by host the first two events that one process cannot have counted.

    Two events of one count, one after the other in one file, of which the second has the knowledge
    of the first, are those of a clock that was not advanced. Any others are of two processes.
    """
    found: dict[str, Clash] = {}
    for host, own in hosts.items():
        seen: dict[int, HostEvent] = {}
        for before, event in zip([None, *own], own, strict=False):
            other = seen.setdefault(event.counts, event)
            if other is event or (before and _follows(before, event)):
                continue
            pairs = found.get(host)
            if pairs is None or event.counts < pairs.counts:
                places = ((other.file, other.line), (event.file, event.line))
                index = event.counts if is_start(own) else event.counts - 1
                found[host] = Clash(host, event.counts, max(index, 0), places)
    return found


def _follows(before: HostEvent, event: HostEvent) -> bool:
    is_next = before.file == event.file and before.counts == event.counts
    return is_next and all(event.clock.get(name, 0) >= n for name, n in before.clock.items())


def is_start(own: Sequence[HostEvent]) -> bool:
    """Return whether the first event of a host is its start: nothing has happened yet."""
    return any(not event.clock for event in own)


def indexes(own: Sequence[HostEvent]) -> list[int]:
    """Return the numbers of a host's events, which are in the order of its count."""
    found = [max(0, own[0].counts - (not is_start(own)))]
    for before, event in pairwise(own):
        found.append(found[-1] + max(1, event.counts - before.counts))
    return found


def absent(found: Sequence[int], beyond: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of numbers that are not among the numbers of events, and at the end
    so many numbers `beyond` the last one."""
    before = -1
    for number in [*found, found[-1] + max(0, beyond) + 1]:
        if number > before + 1:
            yield before + 1, number - 1
        before = number


def gap_notes(hosts: Hosts, are_damaged: bool) -> list[str]:
    """Return notes on events that no log holds."""
    firsts = {host: own[0].counts for host, own in hosts.items() if own[0].counts > 1}
    notes = list[str]()
    where = "in the log, or on unusable lines" if are_damaged else "in the log"
    if len(firsts) == len(hosts) > 1 and len({*firsts.values()}) == 1:
        first = next(iter(firsts.values()))
        notes.append(
            f"the first event of every host has count {first}: the clocks begin with {first - 1},"
            " or the events before are not in the log"
        )
    else:
        notes += [
            f"the first event of {host} has count {first}: {counted(first - 1, 'event')} before it"
            f" {_are(first - 1)} not {where}"
            for host, first in firsts.items()
        ]
    for host, own in hosts.items():
        notes += [
            f"{host} goes from {one.counts} to {event.counts}: {lost} of its events {_are(lost)}"
            f" not {where}"
            for one, event in pairwise(own)
            if (lost := event.counts - one.counts - 1) > 0
        ]
    if (more := len(notes) - MAX_LISTED) > 0:
        notes[MAX_LISTED:] = [f"{counted(more, 'more gap')} in the counts of hosts"]
    return notes


def _are(events: int) -> str:
    return "is" if events == 1 else "are"


def noise_notes(noise: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return a note for each shape of lines that describe no event, with one example."""
    notes = [
        f"{counted(lines, 'line')} {'describes' if lines == 1 else 'describe'} no event:"
        f" {plain(example, MAX_EXAMPLE)}"
        for lines, example in noise.values()
    ]
    if len(notes) > MAX_LISTED:
        rest = sum(lines for lines, _ in list(noise.values())[MAX_LISTED:])
        notes[MAX_LISTED:] = [f"{counted(rest, 'more line')} describe no event"]
    return notes
