"""The peers of sends and receives: which values name them, and how."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise, product

from analysis.logs.recognition.candidates import (
    Candidate,
    Logs,
    Roles,
    names_a_peer,
    peers_of,
    scored,
    texts,
)
from analysis.logs.recognition.evidence.links import links
from analysis.logs.recognition.evidence.orders import ordered
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.names import (
    ALL_OTHERS,
    NEXT_WORDS,
    NO_NAMES,
    PREVIOUS_WORDS,
    Naming,
    lowest,
    namings,
)
from analysis.logs.recognition.sample import Sample
from analysis.logs.recognition.slots import with_numbers
from vm.records import Kind

MAX_CHOICES = 9
#: A reading that ranks so little below another may be the right one.
NEAR = 5
#: The share of receives that contradict the names of peers, at most.
MAX_MISFITS = 0.02
#: The share of receives beyond the messages sent to a machine, at most.
MAX_EXCESS = 0.1
#: The share of receives without a send if machines are named that have no log, at most.
MAX_FOREIGN = 0.5
#: Words for the number that decides to whom a machine sends.
CODE_WORDS = {"choice", "die", "dice", "roll", "rolled", "code", "option", "draw", "drew", "random"}


def best_peers(logs: Logs, events: Mapping[str, Sequence[Entry]], base: Candidate) -> Candidate:
    """Return the best reading with the values that name peers, stamps and queues."""
    found_roles, peers = with_numbers(logs, events, base)
    roles = _with_likely_stamps(logs, events, base, found_roles)
    base = replace(base, roles=roles)
    known = links(base, events)
    found = [scored(logs, events, base)]
    for chosen in _choices(roles, peers, "send"):
        for placed in _with_places(logs, chosen):
            values = _peer_values(logs, placed, "send")
            names: list[Naming | None] = [*_namings(values, base.machines)] if values else [None]
            names += ordered(known, placed, base.machines, lowest(values))
            for naming in names:
                if naming and not naming.is_code and _are_codes(logs.sample, placed):
                    continue
                reading = replace(base, roles=placed, receivers=naming)
                found.append(scored(logs, events, reading))
    best = _named(found, events)
    named = [best]
    for chosen in _choices(best.roles, peers, "receive"):
        values = _peer_values(logs, chosen, "receive")
        for naming in _namings(values, base.machines):
            # Of two machines, the other one is the sender, whatever a number stands for.
            if not naming.is_code and (not naming.cost or len(base.machines) > 2):
                reading = replace(best, roles=chosen, senders=naming)
                named.append(scored(logs, events, reading))
    by_name = _named(named, events)
    return by_name if _agree(logs, by_name) else best


def _with_likely_stamps(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    base: Candidate,
    roles: Mapping[int, Roles],
) -> Mapping[int, Roles]:
    """Return the roles without the stamps if these explain less than the clocks alone."""
    bare = {shape: replace(one, stamp=None) for shape, one in roles.items()}
    with_, without = (
        scored(logs, events, replace(base, roles=some)).score.total for some in (roles, bare)
    )
    return roles if with_ >= without else bare


def _namings(values: Mapping[str, int], machines: tuple[str, ...]) -> Iterator[Naming]:
    """Yield how values may name peers; if not by names, each value stands for one."""
    for naming in namings(values, machines) if values else ():
        if not naming.cost or all(
            any(naming.machine(value, own, machines) for own in machines) for value in values
        ):
            yield naming


def _agree(logs: Logs, reading: Candidate) -> bool:
    """Return whether a text stands for the same machine as a receiver and as a sender."""
    if reading.receivers is None or reading.senders is None:
        return True
    sent, received = (_peer_values(logs, reading.roles, kind) for kind in ("send", "receive"))
    return all(
        reading.receivers.machine(text, own, reading.machines)
        == reading.senders.machine(text, own, reading.machines)
        for text in {*sent} & {*received}
        for own in reading.machines
        if text != own
    )


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


def _named(found: Sequence[Candidate], events: Mapping[str, Sequence[Entry]]) -> Candidate:
    """Return the best reading that names peers if it explains the receives, or the first.

    The first reading names none, and so it explains every receive that another one does. It is
    also returned if names by place are as good as others that mean other machines.
    """
    free, *rest = found
    few = MAX_MISFITS * free.score.explained + 1
    # Messages from before the first line are in no log.
    most = MAX_EXCESS * (free.score.explained + 1) + 1
    fitting = [
        one
        for one in rest
        if one.score.unexplained
        <= free.score.unexplained
        + one.is_by_name
        * (
            # The messages of a machine without a log are in none.
            MAX_FOREIGN * free.score.explained if one.score.foreign else few
        )
        and one.score.excess <= free.score.excess + most * one.is_by_name
        and not one.score.selfish
        # Names of nobody, such as ports of clients, explain nothing.
        and 2 * one.score.explained >= free.score.explained
    ]
    if not fitting:
        return free
    best = max(fitting, key=lambda one: (one.score.is_addressed, one.rank))
    if not best.is_by_name:
        close = [one for one in fitting if one.rank > best.rank - NEAR]
        if any(peers_of(one, events) != peers_of(best, events) for one in close):
            return free
    return best


def _with_places(logs: Logs, roles: Mapping[int, Roles]) -> Iterator[Mapping[int, Roles]]:
    """Yield the roles with the receivers that words name: all, or a neighbour on either side."""
    sends = {shape: one for shape, one in roles.items() if one.kind == "send"}
    turned = any(
        logs.sample.shapes[shape].places & (NEXT_WORDS | PREVIOUS_WORDS)
        for shape, one in sends.items()
        if one.peer is None
    )
    labels = {
        logs.sample.shapes[shape].label(one.peer)
        for shape, one in sends.items()
        if one.peer is not None
    }
    named_some = turned or any(one.peer is not None for one in sends.values())
    for right in (1, -1):
        named = dict(roles)
        for shape, one in roles.items():
            places = logs.sample.shapes[shape].places
            if one.kind != "send" or one.peer is not None:
                continue
            if logs.sample.shapes[shape].texts & ALL_OTHERS:
                named[shape] = replace(one, to_all=True)
            elif places & (NEXT_WORDS | PREVIOUS_WORDS):
                steps = right if places & NEXT_WORDS else -right
                named[shape] = replace(one, steps=steps)
            elif named_some and not _has_other_name(logs, shape, labels):
                # Where other sends name one, a send that names none is to all.
                named[shape] = replace(one, to_all=True)
        yield named
        if not turned:
            return


def _has_other_name(logs: Logs, shape: int, labels: Collection[str]) -> bool:
    """Return whether a word that is no known name stands where other sends name a peer."""
    words = logs.sample.shapes[shape].words
    return any(
        before in labels and word not in NO_NAMES for before, word in pairwise([*words])
    ) and not names_a_peer(logs, shape)


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
