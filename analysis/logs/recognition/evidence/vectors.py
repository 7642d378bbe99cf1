"""The reading of logs with vector clocks: kinds by words, held against the components that grow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from analysis.logs.recognition.candidates import Candidate, Logs, Roles, texts, whole
from analysis.logs.recognition.evidence.score import Score
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.mined.vectors import OwnCounts, Vector
from analysis.logs.recognition.names import Naming, namings
from analysis.logs.recognition.slots import with_numbers

#: The share of the events whose kind agrees with the components that grow.
MIN_AGREEING = 0.9
#: What a receive is worth that learns of another machine, in bits.
BITS = 20


def reading_of(logs: Logs, files: Mapping[str, str], found: OwnCounts) -> Candidate | None:
    """Return the reading of logs with own components in the place of vectors, if it makes sense."""
    clocks = {(files[file], line): vector for (file, line), vector in found.vectors.items()}
    own = {files[file]: place for place, file in enumerate(found.order)}
    events = {
        machine: [entry for entry in some if (machine, entry.line) in clocks]
        for machine, some in logs.entries.items()
    }
    roles = dict(_roles(logs, events, clocks, own))
    events = {m: [entry for entry in some if entry.shape in roles] for m, some in events.items()}
    agreeing = odd = learned = 0
    for machine, some in events.items():
        before: Vector = (0,) * len(own)
        for entry in some:
            vector, is_receive = clocks[machine, entry.line], roles[entry.shape].kind == "receive"
            grows = any(
                b > a
                for n, (a, b) in enumerate(zip(before, vector, strict=True))
                if n != own[machine]
            )
            learned += grows and is_receive
            # A message may tell nothing new.
            odd += grows and not is_receive
            agreeing += not grows or is_receive
            before = vector
    kinds = {one.kind for one in roles.values()}
    if not {"send", "receive"} <= kinds or not learned or odd > (1 - MIN_AGREEING) * agreeing:
        return None
    score = Score(explained=learned, bits=BITS * learned, odd=odd, followed=agreeing)
    base = Candidate(roles, "after", logs.machines, None, None, score, 0)
    numbered, peers = with_numbers(logs, events, base)
    bare = {shape: replace(one, stamp=None) for shape, one in numbered.items()}
    return _with_receivers(replace(base, roles=bare), events, peers)


def _roles(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    clocks: Mapping[tuple[str, int], Vector],
    own: Mapping[str, int],
) -> Iterator[tuple[int, Roles]]:
    """Yield the roles of the shapes whose words name a kind, with the slot of the own component."""
    for shape, one in enumerate(logs.sample.shapes):
        entries = [(m, e) for m, some in events.items() for e in some if e.shape == shape]
        slots = [
            slot
            for slot in range(len(one.slots))
            if logs.sample.is_whole(shape, slot)
            and all(whole(e.values[slot]) == clocks[m, e.line][own[m]] for m, e in entries)
        ]
        if entries and slots and (kinds := logs.sample.kinds(shape)):
            yield shape, Roles(kinds[0], slots[0])


def _with_receivers(
    reading: Candidate,
    events: Mapping[str, Sequence[Entry]],
    peers: Mapping[int, list[int | None]],
) -> Candidate:
    """Return the reading with the receivers of all sends, if values name them."""
    sends = [shape for shape, one in reading.roles.items() if one.kind == "send"]
    slots = {shape: next((one for one in peers[shape] if one is not None), None) for shape in sends}
    named = [
        (machine, text)
        for machine, some in events.items()
        for entry in some
        if (slot := slots.get(entry.shape)) is not None
        for text in texts(entry.values[slot])
    ]
    if None in slots.values() or not named:
        return reading
    values = {text: 1 for _, text in named}
    for naming in namings(values, reading.machines):
        if not naming.cost and all(_is_other(naming, reading, *one) for one in named):
            roles = {
                shape: replace(one, peer=slots.get(shape)) for shape, one in reading.roles.items()
            }
            return replace(reading, roles=roles, receivers=naming)
    return reading


def _is_other(naming: Naming, reading: Candidate, machine: str, text: str) -> bool:
    found = naming.machine(text, machine, reading.machines)
    return bool(found) and machine not in found
