"""The search for the reading of a sample that makes its clocks make sense.

A reading assigns roles: which value is the clock and when it is logged, the kind of event of each
shape, and who the peers are. Each choice is scored by how many receives follow from logged sends.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from analysis.logs.recognition.candidates import (
    MAX_PEERS,
    MAX_UNITY,
    Candidate,
    Logs,
    Roles,
    names_a_peer,
    scored,
    whole,
)
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.names import ALL_OTHERS
from analysis.logs.recognition.peers import best_peers
from analysis.logs.recognition.sample import Sample, Slots, clocks
from analysis.logs.recognition.score import LOGGED, Logged, Score, Seen, timestamps
from vm.records import Kind

MAX_CLOCKS = 4
#: Shapes whose kind is tried out; the kinds of more are taken from their words.
MAX_OPEN = 6
#: The best assignments of clocks and kinds whose peers are tried out.
MAX_BASES = 4
MIN_OF_BEST = 0.8
#: The share of lines of a receive's shape that jump, at least.
MIN_JUMPS = 0.02


def is_doubtful(logs: Logs, reading: Candidate) -> bool:
    """Return whether sends seem to name receivers, and the reading finds no sense in the names."""
    sends = {shape: one for shape, one in reading.roles.items() if one.kind == "send"}
    unread = any(
        one.peer is None and not one.to_all and names_a_peer(logs, shape)
        for shape, one in sends.items()
    )
    # Words that vary in internal events are kinds of work, and no names.
    unread |= any(
        one.kind == "internal" and _varies(logs, shape) for shape, one in reading.roles.items()
    )
    skeletons = [
        tuple("" if part.kind == "word" else part.text for part in logs.sample.shapes[shape].key)
        for shape, one in sends.items()
        if one.peer is None and not one.to_all and not one.steps
    ]
    in_words = len(skeletons) > len(set(skeletons)) and not reading.score.is_addressed
    receives = sum(
        reading.roles[entry.shape].kind == "receive"
        for some in logs.entries.values()
        for entry in some
        if entry.shape in reading.roles
    )
    return unread or in_words or reading.score.surplus > receives


def _varies(logs: Logs, shape: int) -> bool:
    """Return whether lines of a shape have a word taken for a name, that is not their machine's."""
    one = logs.sample.shapes[shape]
    return any(
        one.key[at].kind == "name"
        and logs.own.get(shape) != slot
        and 1 < len(values := {*map(str, logs.sample.values(shape, slot))}) <= MAX_PEERS
        and all(map(str.isalpha, values))
        for slot, at in enumerate(one.slots)
    )


def readings(logs: Logs) -> list[Candidate]:
    """Return the readings of logs, the best first."""
    bases = [
        (reading, events)
        for slots in clocks(logs.sample, logs.own, MAX_CLOCKS)
        for logged in LOGGED
        for reading, events in _with_clock(logs, slots, logged)
    ]
    bases.sort(key=lambda one: -one[0].rank)
    least = MIN_OF_BEST * bases[0][0].score.total if bases else 0
    likely = [one for one in bases[:MAX_BASES] if one[0].score.total >= least]
    found = [best_peers(logs, events, base) for base, events in likely]
    return sorted(found, key=lambda one: -one.rank)


def _with_clock(
    logs: Logs, slots: Slots, logged: Logged
) -> Iterator[tuple[Candidate, dict[str, list[Entry]]]]:
    """Yield the readings with this clock and each assignment of kinds, without peers."""
    events = _events_lines(logs, slots)
    shapes = sorted({entry.shape for some in events.values() for entry in some})
    jumps = _jumps(events, slots, logged)
    options = [_kinds(logs, shape, jumps) for shape in shapes]
    for kinds in _products(options):
        roles = {
            shape: Roles(kind, slots[shape]) for shape, kind in zip(shapes, kinds, strict=True)
        }
        if {"send", "receive"} <= {*kinds}:
            agreement = _agreement(logs.sample, roles) + _unity(logs.sample, slots)
            base = Candidate(roles, logged, logs.machines, None, None, Score(), agreement)
            yield scored(logs, events, base), events


def _events_lines(logs: Logs, slots: Slots) -> dict[str, list[Entry]]:
    """Return the entries with a clock, without those that repeat it and describe no event."""
    quiet = _quiet(logs, slots)
    return {
        machine: [e for e in some if e.shape in slots and e.shape not in quiet]
        for machine, some in logs.entries.items()
    }


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
        pairs = timestamps(own, "before" if logged == "before" else "after")
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
        by_words = [kind for kind in by_words if kind != "internal"] or ["send", "receive"]
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
    """Return in tenths how many lines have the kind that their words name first."""
    agreeing = total = 0
    for shape, one in roles.items():
        count = sample.shapes[shape].count
        total += count
        agreeing += count * (sample.kinds(shape)[:1] == [one.kind])
    return round(10 * agreeing / total)
