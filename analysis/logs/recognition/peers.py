"""The peers of sends and receives: which values name them, and how."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product

from analysis.logs.recognition.candidates import Candidate, Logs, Roles, scored, texts
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.names import (
    ALL_OTHERS,
    NEXT_WORDS,
    PREVIOUS_WORDS,
    Naming,
    namings,
)
from analysis.logs.recognition.sample import Sample
from analysis.logs.recognition.slots import with_numbers
from vm.records import Kind

MAX_CHOICES = 9
#: The share of receives that contradict the names of peers, at most.
MAX_MISFITS = 0.1
#: Words for the number that decides to whom a machine sends.
CODE_WORDS = {"choice", "die", "dice", "roll", "rolled", "code", "option", "draw", "drew", "random"}


def best_peers(logs: Logs, events: Mapping[str, Sequence[Entry]], base: Candidate) -> Candidate:
    """Return the best reading with the values that name peers, stamps and queues."""
    roles, peers = with_numbers(logs, events, base)
    base = replace(base, roles=roles)
    found = [scored(logs, events, base)]
    for chosen in _choices(roles, peers, "send"):
        for placed in _with_places(logs, chosen):
            values = _peer_values(logs, placed, "send")
            names: list[Naming | None] = [*namings(values, base.machines)] if values else [None]
            for naming in names:
                if naming and not naming.is_code and _are_codes(logs.sample, placed):
                    continue
                reading = replace(base, roles=placed, receivers=naming)
                found.append(scored(logs, events, reading))
    best = _named(found)
    named = [best]
    for chosen in _choices(best.roles, peers, "receive"):
        values = _peer_values(logs, chosen, "receive")
        for naming in [best.receivers, *namings(values, base.machines)] if values else []:
            if naming and not naming.is_code:
                reading = replace(best, roles=chosen, senders=naming)
                named.append(scored(logs, events, reading))
    return max(named, key=lambda one: (one.rank, one.senders is not None))


def _choices(
    roles: Mapping[int, Roles], peers: Mapping[int, list[int | None]], kind: Kind
) -> Iterator[dict[int, Roles]]:
    """Yield the roles with each choice of slots that may name the peers of one kind of event."""
    shapes = [shape for shape, one in roles.items() if one.kind == kind and peers[shape]]
    for slots in islice(product(*(peers[shape] for shape in shapes)), MAX_CHOICES):
        chosen = {
            shape: replace(roles[shape], peer=slot)
            for shape, slot in zip(shapes, slots, strict=True)
        }
        yield {**roles, **chosen}


def _named(found: Sequence[Candidate]) -> Candidate:
    """Return the best reading that names receivers if it explains the receives, or the first.

    The first reading names nobody, and so it explains every receive that another one does.
    """
    free, *rest = found
    few = MAX_MISFITS * (free.score.explained + 1) + 1
    fitting = [
        one
        for one in rest
        if one.score.unexplained <= free.score.unexplained + few
        and one.score.excess <= few + free.score.excess
        and not one.score.selfish
    ]
    return max(fitting, key=lambda one: (one.score.is_addressed, one.rank), default=free)


def _with_places(logs: Logs, roles: Mapping[int, Roles]) -> Iterator[Mapping[int, Roles]]:
    """Yield the roles with the receivers that words name: all, or a neighbour on either side."""
    named_some = any(one.kind == "send" and one.peer is not None for one in roles.values())
    for right in (1, -1):
        named = dict(roles)
        turned = False
        for shape, one in roles.items():
            words = logs.sample.shapes[shape].texts
            if one.kind != "send" or one.peer is not None:
                continue
            if words & ALL_OTHERS:
                named[shape] = replace(one, to_all=True)
            elif words & (NEXT_WORDS | PREVIOUS_WORDS):
                steps = right if words & NEXT_WORDS else -right
                named[shape] = replace(one, steps=steps)
                turned = True
            elif named_some:
                # Where other sends name one, a send that names none is to all.
                named[shape] = replace(one, to_all=True)
        yield named
        if not turned:
            return


def _are_codes(sample: Sample, roles: Mapping[int, Roles]) -> bool:
    """Return whether the receivers are given by what was drawn."""
    return any(
        sample.name(shape, one.peer) in CODE_WORDS
        for shape, one in roles.items()
        if one.kind == "send" and one.peer is not None
    )


def _peer_values(logs: Logs, roles: Mapping[int, Roles], kind: Kind) -> Counter[str]:
    counts: Counter[str] = Counter()
    for some in logs.entries.values():
        for entry in some:
            one = roles.get(entry.shape)
            if one and one.kind == kind and one.peer is not None:
                counts.update(texts(entry.values[one.peer]))
    return counts
