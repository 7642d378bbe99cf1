"""The peers of sends and receives: which values name them, and how."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise, product

from analysis.logs.recognition.candidates import (
    Candidate,
    Logs,
    Roles,
    event_of,
    merged,
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
#: So many receives from one of at least two others show that their names are those of senders.
MANY, MIN_MACHINES = 20, 3
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
    best = _with_receivers(logs, events, replace(base, roles=roles), peers)
    by_name = _with_senders(logs, events, best, peers)
    if by_name.senders and not by_name.receivers:
        # Named senders show which messages are of a machine without a log.
        by_name = _with_receivers(logs, events, by_name, peers)
    for reading in (by_name, best):
        if _agree(logs, reading):
            return reading
    return scored(logs, events, _without_senders(best))


def _without_senders(reading: Candidate) -> Candidate:
    roles = {
        shape: replace(one, peer=None) if one.kind == "receive" else one
        for shape, one in reading.roles.items()
    }
    return replace(reading, roles=roles, senders=None)


def _with_receivers(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    base: Candidate,
    peers: Mapping[int, list[int | None]],
) -> Candidate:
    """Return the best reading with the values that name receivers."""
    known = links(base, events)
    found = [scored(logs, events, base)]
    for chosen in _choices(base.roles, peers, "send"):
        for placed in _with_places(logs, chosen):
            values = _peer_values(logs, placed, "send")
            names: list[Naming | None] = [*_namings(values, base.machines)] if values else [None]
            names += ordered(known, placed, base.machines, lowest(values))
            for naming in names:
                if naming and not naming.is_code and _are_codes(logs.sample, placed):
                    continue
                if naming and not _knows_most(logs, placed, "send", naming, base.machines):
                    continue
                reading = replace(base, roles=placed, receivers=naming)
                found.append(scored(logs, events, reading))
    return _named(found, events)


def _with_senders(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    best: Candidate,
    peers: Mapping[int, list[int | None]],
) -> Candidate:
    """Return the best reading with the values that name senders."""
    named = [best]
    for chosen in _choices(best.roles, peers, "receive"):
        values = _peer_values(logs, chosen, "receive")
        for naming in _namings(values, best.machines):
            if not _knows_most(logs, chosen, "receive", naming, best.machines):
                continue
            # Of two machines, the other one is the sender, whatever a number stands for.
            if not naming.is_code and (not naming.cost or len(best.machines) > 2):
                reading = replace(best, roles=chosen, senders=naming)
                named.append(scored(logs, events, reading))
    result = _named(named, events)
    return result if result.senders else _with_sure_senders(events, result, peers)


def _with_sure_senders(
    events: Mapping[str, Sequence[Entry]],
    reading: Candidate,
    peers: Mapping[int, list[int | None]],
) -> Candidate:
    """Return the reading with the senders that names alone show, however machines receive.

    They are names as those of receivers, never of the machine itself, and no machine receives more
    of another than this one sends to it.
    """
    if reading.receivers is None or reading.receivers.cost or len(reading.machines) < MIN_MACHINES:
        return reading
    for chosen in _choices(reading.roles, peers, "receive"):
        one = replace(reading, roles=chosen, senders=reading.receivers)
        if _are_sure(one, events):
            return one
    return reading


def _are_sure(reading: Candidate, events: Mapping[str, Sequence[Entry]]) -> bool:
    sent, received = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for machine, some in events.items():
        for seen in merged({machine: [event_of(reading, machine, entry) for entry in some]})[
            machine
        ]:
            if seen.kind == "receive":
                received[seen.sender or machine, machine] += 1
            sent.update((machine, to) for to in seen.to or ())
    return (
        received.total() >= MANY
        and all(sender in reading.machines and sender != to for sender, to in received)
        and not received - sent
    )


def _with_likely_stamps(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    base: Candidate,
    roles: Mapping[int, Roles],
) -> Mapping[int, Roles]:
    """Return the roles without the stamps if these explain less than the clocks alone.

    Stamps that sends have, too, are sure, however a machine receives.
    """
    if any(one.kind == "send" and one.stamp is not None for one in roles.values()):
        return roles
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


def _knows_most(
    logs: Logs, roles: Mapping[int, Roles], kind: Kind, naming: Naming, machines: tuple[str, ...]
) -> bool:
    """Return whether the peers that events of each shape name have logs, at least half."""
    named = {
        shape: {str(text) for value in logs.sample.values(shape, one.peer) for text in texts(value)}
        for shape, one in roles.items()
        if one.kind == kind and one.peer is not None
    }
    return all(
        2 * sum(any(naming.machine(text, own, machines) for own in machines) for text in some)
        >= len(some)
        for some in named.values()
    )


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
    are_stamped = any(one.stamp is not None for one in sends.values())
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
            elif (
                named_some
                and (one.stamp is not None or not are_stamped)
                and not _has_other_name(logs, shape, labels)
            ):
                # Where other sends name one, a send that names none is to all; but where others
                # have a stamp, a line without a stamp is no send.
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
