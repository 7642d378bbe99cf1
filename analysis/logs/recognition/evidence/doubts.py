"""Doubts about a reading: what may name receivers, and is not read as their names."""

from collections import Counter
from collections.abc import Iterator, Sequence

from analysis.logs.recognition.candidates import MAX_PEERS, SURE, Candidate, Logs, names_a_peer
from analysis.logs.recognition.evidence.links import Link, links
from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.mined.shapes import Part

#: So many messages of one machine to one receiver show that a word may be its name.
FEW = 2


def is_doubtful(logs: Logs, reading: Candidate) -> bool:
    """Return whether sends seem to name receivers, and the reading finds no sense in the names."""
    sends = {shape: one for shape, one in reading.roles.items() if one.kind == "send"}
    receives = sum(
        reading.roles[entry.shape].kind == "receive"
        for some in logs.entries.values()
        for entry in some
        if entry.shape in reading.roles
    )
    # Words that vary in internal events, or name no sender, are kinds of work, and no names.
    varies = any(
        (one.kind == "internal" or (one.kind == "receive" and one.peer is None))
        and _varies(logs, shape)
        for shape, one in reading.roles.items()
    )
    if varies or (reading.score.surplus > receives and reading.lead < SURE):
        return True
    unread = [
        shape
        for shape, one in sends.items()
        if one.peer is None and not one.to_all and not one.steps
    ]
    if not unread:
        return False
    if any(one.peer is not None or one.steps for one in sends.values()):
        # Where other sends name one, these name a machine that is not known.
        return True
    events = {
        machine: [entry for entry in some if entry.shape in reading.roles]
        for machine, some in logs.entries.items()
    }
    found = links(reading, events)
    in_values = [shape for shape in unread if names_a_peer(logs, shape)]
    in_words = list(_in_words(logs, unread)) if not reading.score.is_addressed else []
    return any(_may_name(logs, shape, found, by_values=True) for shape in in_values) or any(
        _may_name(logs, shape, found, by_values=False) for shape in in_words
    )


def _in_words(logs: Logs, shapes: Sequence[int]) -> Iterator[int]:
    """Yield the shapes that differ from another only in their words."""
    skeletons = {
        shape: tuple(map(_without_name, logs.sample.shapes[shape].key)) for shape in shapes
    }
    counts = Counter(skeletons.values())
    yield from (shape for shape, skeleton in skeletons.items() if counts[skeleton] > 1)


def _without_name(part: Part) -> str:
    """Return the text of a part; "" of a word that may be a name, and is no SINGLE_SEND."""
    is_name = part.kind == "word" and not kinds_of(part.text.lower().split("_"))
    return "" if is_name else part.text


def _may_name(logs: Logs, shape: int, found: Sequence[Link], *, by_values: bool) -> bool:
    """Return whether a word of these sends may name their receiver.

    It does not if a machine's messages with the same word are to several machines.
    """
    receivers: dict[tuple[str, tuple[str, ...]], Counter[str]] = {}
    for link in found:
        for entry in link.sent:
            if entry.shape == shape:
                words = _values(logs, shape, entry.values) if by_values else ()
                receivers.setdefault((link.sender, words), Counter())[link.receiver] += 1
    several = sum(len(to) > 1 for to in receivers.values())
    single = sum(len(to) == 1 and to.total() > FEW for to in receivers.values())
    return not several or single > several


def _values(logs: Logs, shape: int, values: Sequence[object]) -> tuple[str, ...]:
    one = logs.sample.shapes[shape]
    return tuple(
        str(value)
        for slot, value in enumerate(values)
        if one.key[one.slots[slot]].kind == "name" and logs.own.get(shape) != slot
    )


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
