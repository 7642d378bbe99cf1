"""The search for the reading of a sample that makes its clocks make sense.

A reading assigns roles: which value is the clock and when it is logged, the kind of event of each
shape, and who the peers are. Each choice is scored by how many receives follow from logged sends.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product

from analysis.logs.recognition.candidates import (
    MAX_UNITY,
    Candidate,
    Logs,
    Roles,
    names_a_peer,
    peers_of,
    scored,
    whole,
)
from analysis.logs.recognition.evidence.score import (
    LOGGED,
    MISFIT_BITS,
    Logged,
    Score,
    Seen,
    timestamps,
)
from analysis.logs.recognition.evidence.strangers import BY_NAME, senders
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.names import ALL_OTHERS
from analysis.logs.recognition.peers import best_peers
from analysis.logs.recognition.sample import Sample, Slots, clocks, is_epoch
from vm.records import Kind

MAX_CLOCKS = 4
#: Shapes whose kind is tried out; the kinds of more are taken from their words.
MAX_OPEN = 6
#: The best assignments of clocks and kinds whose peers are tried out.
MAX_BASES = 4
MIN_OF_BEST = 0.8
#: So few misfits may be of messages whose peers are not yet named.
FEW_MISFITS = 4
#: A reading that ranks so little below the best may be the right one.
NEAR = 5
#: The share of lines of a receive's shape that jump, at least.
MIN_JUMPS = 0.02
#: So many lines without a jump are no receives if words name another kind.
MANY = 20
#: The share of lines with a time from which on those without one are no events.
MOSTLY = 0.8


def readings(logs: Logs) -> list[Candidate]:
    """Return the readings of logs, the best first.

    Those with the clock from before a receive, and after other events, are the last resort: where
    all clocks are logged before the event, they differ in the first clock alone.
    """
    found = _readings(logs, LOGGED)
    if found and found[0].makes_sense:
        return found
    return _readings(logs, ["turned"]) or found


def _readings(logs: Logs, ways: Sequence[Logged]) -> list[Candidate]:
    strangers = senders(logs)
    bases = [
        (reading, events)
        for slots in _with_arrivals_out(logs.sample, clocks(logs.sample, logs.own, MAX_CLOCKS))
        for logged in ways
        for reading, events in _with_clock(logs, slots, logged, strangers)
    ]
    bases.sort(key=lambda one: -one[0].rank)
    most = bases[0][0].score.total if bases else 0
    least = most - max((1 - MIN_OF_BEST) * abs(most), FEW_MISFITS * MISFIT_BITS)
    likely = [one for one in bases[:MAX_BASES] if one[0].score.total >= least]
    found = [
        best_peers(logs, events, replace(base, lead=_lead(base, bases))) for base, events in likely
    ]
    stamped = [one for one in found if not _has_bare_receives(logs, one)]
    return _with_rivals(logs, sorted(stamped or found, key=lambda one: -one.rank))


def _has_bare_receives(logs: Logs, reading: Candidate) -> bool:
    """Return whether lines without a stamp, and without a word for it, are read as receives where
    all other messages have stamps."""
    messages = [(s, one) for s, one in reading.roles.items() if one.kind != "internal"]
    bare = {shape for shape, one in messages if one.stamp is None}
    unnamed = {shape for shape in bare if "receive" not in logs.sample.kinds(shape)}
    receives = {shape for shape, one in messages if one.kind == "receive"}
    return bool(bare) and bare == unnamed and bare < receives


def _with_rivals(logs: Logs, found: list[Candidate]) -> list[Candidate]:
    """Return readings, the best first, and whether another one is as good and sees other events.

    Of readings that see the same, the clock after each event is that of all events. When clocks are
    logged is no question here: all events together show it, or ask it.
    """
    if not found:
        return []
    close = [one for one in found if one.rank > found[0].rank - NEAR]
    seen = [_seen(logs, one) for one in close]
    same = [one for one, its in zip(close, seen, strict=True) if its == seen[0]]
    best = min(same, key=lambda one: one.logged != "after")
    rest = [one for one in found if one is not best]
    others = (
        one
        for one, its in zip(close, seen, strict=True)
        if its != seen[0] and _described(one) != _described(best)
    )
    return [replace(best, rival=next(others, None)), *rest]


def _described(reading: Candidate) -> tuple[object, ...]:
    return reading.roles, reading.receivers, reading.senders


def _seen(logs: Logs, reading: Candidate) -> tuple[object, ...]:
    """Return the events of a reading: line, kind and clock of each, and the peers."""
    events = {
        machine: [entry for entry in some if entry.shape in reading.roles]
        for machine, some in logs.entries.items()
    }
    seen: list[tuple[int, Kind, int]] = []
    for some in events.values():
        roles = [reading.roles[entry.shape] for entry in some]
        own = [
            Seen(one.kind, whole(entry.values[one.clock]))
            for one, entry in zip(roles, some, strict=True)
        ]
        after = [clock for _, clock in timestamps(own, reading.logged)]
        # Of the last event of a trial, the clock is logged by one of two conventions only, as it is
        # of the first lines of a send that is logged once per receiver.
        seen += [
            (entry.line, event.kind, clock)
            for entry, (event, following), clock in zip(some, pairwise(own), after, strict=False)
            if following.clock >= event.clock and (event != following or event.kind != "send")
        ]
    return seen, peers_of(reading, events)


def _lead(base: Candidate, bases: Sequence[tuple[Candidate, object]]) -> float:
    """Return how much a reading ranks above the best one with other kinds of events."""
    kinds = _kinds_by_shape(base)
    other = (one.rank for one, _ in bases if _kinds_by_shape(one) != kinds)
    return base.rank - max(other, default=0)


def _kinds_by_shape(reading: Candidate) -> dict[int, Kind]:
    return {shape: one.kind for shape, one in reading.roles.items()}


def _with_arrivals_out(sample: Sample, found: Iterable[Slots]) -> Iterator[Slots]:
    """Yield the choices, and each without lines of messages that call a number otherwise.

    The arrival of a message may be logged with the message's clock, apart from the receive.
    """
    for slots in found:
        yield slots
        names = Counter[str]()
        for shape, slot in slots.items():
            names[sample.name(shape, slot)] += sample.shapes[shape].count
        ((usual, _),) = names.most_common(1)
        rest = {
            shape: slot
            for shape, slot in slots.items()
            if sample.name(shape, slot) == usual or not {*sample.kinds(shape)} <= {"receive"}
        }
        receives = any("receive" in sample.kinds(shape) for shape in rest)
        if len(rest) < len(slots) and receives:
            yield rest


def _with_clock(
    logs: Logs, slots: Slots, logged: Logged, strangers: Slots
) -> Iterator[tuple[Candidate, dict[str, list[Entry]]]]:
    """Yield the readings with this clock and each assignment of kinds, without peers.

    `strangers` are the slots that name senders without a log.
    """
    events = _events_lines(logs, slots)
    shapes = sorted({entry.shape for some in events.values() for entry in some})
    jumps = _jumps(events, slots, logged)
    options = [_kinds(logs, shape, jumps) for shape in shapes]
    known = {s: slot for s, slot in strangers.items() if slot != slots.get(s)}
    for kinds in _products(options):
        roles = {
            shape: Roles(kind, slots[shape], peer=known.get(shape) if kind == "receive" else None)
            for shape, kind in zip(shapes, kinds, strict=True)
        }
        if {"send", "receive"} <= {*kinds}:
            agreement = _agreement(logs.sample, roles) + _unity(logs.sample, slots)
            by_name = BY_NAME if any(one.peer is not None for one in roles.values()) else None
            base = Candidate(roles, logged, logs.machines, None, by_name, Score(), agreement)
            yield scored(logs, events, base), events


def _events_lines(logs: Logs, slots: Slots) -> dict[str, list[Entry]]:
    """Return the entries with a clock, without those that repeat it and describe no event."""
    quiet = _quiet(logs, slots) | _undated(logs, slots)
    return {
        machine: [e for e in some if e.shape in slots and e.shape not in quiet]
        for machine, some in logs.entries.items()
    }


def _undated(logs: Logs, slots: Slots) -> set[int]:
    """Return the shapes without a time and a word for a kind, where most lines have a time."""
    shapes = logs.sample.shapes
    dated = {
        shape
        for shape in slots
        for slot in range(len(shapes[shape].slots))
        if logs.sample.part(shape, slot).kind in ("time", "decimal")
        or (logs.sample.is_whole(shape, slot) and is_epoch(logs.sample, shape, slot))
    }
    lines, every = (sum(shapes[shape].count for shape in some) for some in (dated, slots))
    if lines < MOSTLY * every:
        return set()
    return {shape for shape in slots if shape not in dated and not logs.sample.kinds(shape)}


def _quiet(logs: Logs, slots: Slots) -> set[int]:
    """Return the rare shapes whose lines never change the clock: reports of a start or a state."""
    changes: Counter[int] = Counter()
    lines: Counter[int] = Counter()
    for some in logs.entries.values():
        last = None
        for entry in some:
            if entry.shape in slots:
                clock = whole(entry.values[slots[entry.shape]])
                changes[entry.shape] += last is not None and clock > last
                lines[entry.shape] += 1
                last = clock
    files = len(logs.sample.mined.entries)
    return {
        shape
        for shape in lines
        if not changes[shape] and (lines[shape] <= 2 * files or not logs.sample.kinds(shape))
    }


def _jumps(events: Mapping[str, Sequence[Entry]], slots: Slots, logged: Logged) -> dict[int, float]:
    """Return by shape the share of its lines at which the clock jumps."""
    total: Counter[int] = Counter()
    jumped: Counter[int] = Counter()
    for some in events.values():
        own = [Seen("internal", whole(e.values[slots[e.shape]])) for e in some]
        pairs = timestamps(own, "before" if logged in ("before", "turned") else "after")
        for entry, (before, after) in zip(some, pairs, strict=True):
            total[entry.shape] += 1
            jumped[entry.shape] += after > before + 1
    return {shape: jumped[shape] / total[shape] for shape in total}


def _kinds(logs: Logs, shape: int, jumps: Mapping[int, float]) -> list[Kind]:
    """Return the kinds that the lines of a shape may be, by words and by behaviour."""
    one = logs.sample.shapes[shape]
    by_words = logs.sample.kinds(shape)
    has_list = any(part.is_list for part in one.key) or bool(one.texts & ALL_OTHERS)
    if jumps[shape] > MIN_JUMPS and "receive" not in by_words:
        by_words = [*by_words, "receive"]
    if has_list and "send" not in by_words:
        by_words.insert(0, "send")
    if names_a_peer(logs, shape):
        only_internal = by_words == ["internal"]
        by_words = [kind for kind in by_words if kind != "internal"] or ["send", "receive"]
        if only_internal:
            return ["internal", *by_words]
    if "internal" in by_words and not jumps[shape] and one.count >= MANY:
        # As in `processing internally`: some of so many messages would be ahead.
        by_words = [kind for kind in by_words if kind != "receive"]
    if len(by_words) == 1:
        return by_words
    if jumps[shape] > MIN_JUMPS:
        return sorted({*by_words, "receive"}, key=lambda kind: kind != "receive")
    if names_a_peer(logs, shape):
        return by_words
    return list(dict.fromkeys([*by_words, "internal", "send"]))


def _products(options: Sequence[Sequence[Kind]]) -> Iterator[tuple[Kind, ...]]:
    open_ = sum(len(some) > 1 for some in options)
    few = options if open_ <= MAX_OPEN else [some[:1] for some in options]
    yield from product(*few)


def _unity(sample: Sample, slots: Slots) -> int:
    """Return in fifths in how many lines the clock is in the same column."""
    counts: Counter[str] = Counter()
    for shape, slot in slots.items():
        counts[sample.column(shape, slot)] += sample.shapes[shape].count
    return round(MAX_UNITY * max(counts.values()) / counts.total())


def _agreement(sample: Sample, roles: Mapping[int, Roles]) -> int:
    """Return in tenths how many lines have a kind that their words name."""
    agreeing = total = 0
    for shape, one in roles.items():
        count = sample.shapes[shape].count
        total += count
        agreeing += count * (one.kind in sample.kinds(shape))
    return round(10 * agreeing / total)
