"""The times, stamps, queues and names of peers among the values of each shape."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from analysis.logs.recognition.candidates import MAX_PEERS, Candidate, Logs, Roles, texts, whole
from analysis.logs.recognition.evidence.score import Seen, timestamps
from analysis.logs.recognition.mined.shapes import Entry
from analysis.logs.recognition.names import ALL_OTHERS
from analysis.logs.recognition.sample import TIME_WORDS, Sample, is_epoch
from vm.records import Kind

#: From so many letters on, a word is known by its beginning: QueueLength.
MIN_STEM = 5
#: So many receives before another event show that a number is the length of a queue.
MIN_ENDS = 3
QUEUE_WORDS = {
    *("queue", "waiting", "backlog", "left", "remaining", "pending", "inbox", "more", "queued"),
    *("len", "length", "size", "q", "still", "qlen", "buffer", "buffered", "unread", "mailbox"),
    *("outstanding", "depth", "mq", "queue_length", "queue_size", "queue_len", "que", "cola"),
}
PEER_WORDS = {"to", "from", "peer", "port", "target", "dest", "dst", "src", "sender", "receiver"}
#: Words for the clock of a message.
STAMP_WORDS = {
    *("stamp", "carried", "msg", "message", "remote", "received", "sent", "with", "their", "value"),
    *("timestamp", "body", "content", "payload", "sender_clock", "clock", "lamport", "ts", "time"),
}
#: So many jumps to the same values show a stamp.
MANY_JUMPS = 5
#: The slots of a shape, and the choices of slots of all shapes, that are tried out for peers.
MAX_OPTIONS = 3
#: So many lines show whether a number only grows.
MANY_LINES = 12


def with_numbers(
    logs: Logs, events: Mapping[str, Sequence[Entry]], base: Candidate
) -> tuple[dict[int, Roles], dict[int, list[int | None]]]:
    """Return the roles with time, stamp and queue, and the slots that may name the peer."""
    before_after = _timestamps_by_shape(events, base)
    # A column that internal events have, too, is of no message; but that of their clock may be.
    alike = {
        (logs.sample.column(shape, slot), _class(logs.sample, shape, slot))
        for shape, one in base.roles.items()
        if one.kind == "internal"
        for slot in range(len(logs.sample.shapes[shape].slots))
        if slot != one.clock
    }
    works = any(one.kind == "internal" for one in base.roles.values())
    own_work = {column for column, _ in alike} if works else None
    found: dict[int, Roles] = {}
    peers: dict[int, list[int | None]] = {}
    called = set[str]()
    # A send calls the stamp as a receive does, which shows it more clearly.
    for shape, one in sorted(base.roles.items(), key=lambda some: some[1].kind != "receive"):
        free = [n for n in range(len(logs.sample.shapes[shape].slots)) if n != one.clock]
        free = [n for n in free if logs.own.get(shape) != n]
        times = [n for n in free if _is_time(logs.sample, shape, n, own_work)]
        time = _most_exact(logs.sample, shape, times)
        free = [n for n in free if n not in times]
        stamps = [
            n
            for n in free
            if (logs.sample.column(shape, n), _class(logs.sample, shape, n)) not in alike
        ]
        stamps.sort(key=lambda n: logs.sample.name(shape, n) not in called)
        stamp = _stamp(logs, shape, one.kind, stamps, before_after.get(shape, []))
        if stamp is None and one.kind == "receive":
            stamp = _named_stamp(logs.sample, shape, stamps, before_after.get(shape, []))
        called |= {logs.sample.name(shape, stamp)} if stamp is not None else set()
        free = [n for n in free if n != stamp]
        queue = _queue(logs.sample, shape, free)
        if queue is None and one.kind == "receive":
            queue = _unnamed_queue(logs, events, base.roles, shape, free)
        free = [n for n in free if n != queue]
        everyone = one.kind == "send" and logs.sample.shapes[shape].texts & ALL_OTHERS
        is_alone = one.kind == "internal" or everyone
        left = [n for n in stamps if n not in (stamp, queue)]
        some = [None] if is_alone else _peers(logs, shape, left)
        peers[shape] = [*some]
        found[shape] = replace(one, time=time, stamp=stamp, queue=queue)
    for shape, slot in _stamps_as_in_sends(logs.sample, found).items():
        peers[shape] = [peer for peer in peers[shape] if peer != slot] or [None]
        found[shape] = replace(found[shape], stamp=slot)
    return found, peers


def _stamps_as_in_sends(sample: Sample, roles: Mapping[int, Roles]) -> dict[int, int]:
    """Return the stamps of receives by shape that are in the column of those of all sends.

    A machine may ignore them: then no clock shows that they are stamps.
    """
    sends = [(shape, one) for shape, one in roles.items() if one.kind == "send"]
    columns = {
        sample.column(shape, one.stamp) if one.stamp is not None else "" for shape, one in sends
    }
    if len(columns) != 1 or "" in columns:
        return {}
    return {
        shape: slot
        for shape, one in roles.items()
        if one.kind == "receive"
        for slot in range(len(sample.shapes[shape].slots))
        if slot not in (one.clock, one.time, one.queue)
        and sample.is_whole(shape, slot)
        and {sample.column(shape, slot)} == columns
    }


def _timestamps_by_shape(
    events: Mapping[str, Sequence[Entry]], base: Candidate
) -> dict[int, list[tuple[Entry, int, int]]]:
    found: dict[int, list[tuple[Entry, int, int]]] = {}
    for some in events.values():
        own = [
            Seen(base.roles[e.shape].kind, whole(e.values[base.roles[e.shape].clock])) for e in some
        ]
        for entry, pair in zip(some, timestamps(own, base.logged), strict=True):
            found.setdefault(entry.shape, []).append((entry, *pair))
    return found


def _class(sample: Sample, shape: int, slot: int) -> str:
    one = sample.shapes[shape]
    return one.key[one.slots[slot]].kind


def _is_time(sample: Sample, shape: int, slot: int, own_work: Collection[str] | None) -> bool:
    """Return whether the values are times; `own_work` are the columns of internal events, None
    without such events."""
    part = sample.shapes[shape].key[sample.shapes[shape].slots[slot]]
    if part.kind == "time":
        return True
    if part.is_list or part.kind not in ("decimal", "whole"):
        return False
    if part.kind == "decimal" and not sample.is_whole(shape, slot):
        return sample.grows({shape: slot}) or sample.shapes[shape].count < 3
    named = sample.name(shape, slot) in TIME_WORDS and sample.grows({shape: slot})
    # A number that internal events have not is that of a message.
    everywhere = own_work is None or sample.column(shape, slot) in own_work
    return (named and everywhere) or is_epoch(sample, shape, slot)


def _most_exact(sample: Sample, shape: int, times: Sequence[int]) -> int | None:
    """Return the slot of the most exact time."""

    def digits(slot: int) -> int:
        text = max(map(str, sample.values(shape, slot)), key=len)
        fraction = (
            text.replace(",", ".").rpartition(".")[2] if "." in text.replace(",", ".") else ""
        )
        return len(fraction)

    return max(times, key=lambda slot: (digits(slot), -slot), default=None)


def _stamp(
    logs: Logs,
    shape: int,
    kind: Kind,
    free: Sequence[int],
    seen: Sequence[tuple[Entry, int, int]],
) -> int | None:
    """Return the slot whose values are the message's clock, by its relation to the own clock."""
    if kind == "internal":
        return None
    wholes = [slot for slot in free if logs.sample.is_whole(shape, slot)]
    return next((slot for slot in wholes if _is_stamp(kind, slot, seen)), None)


def _named_stamp(
    sample: Sample, shape: int, free: Sequence[int], seen: Sequence[tuple[Entry, int, int]]
) -> int | None:
    """Return the slot that is called a stamp, and is never ahead of the clock."""
    for slot in free:
        if sample.is_whole(shape, slot) and is_named([sample.name(shape, slot)], STAMP_WORDS):
            behind = sum(whole(entry.values[slot]) <= after for entry, _, after in seen)
            different = {entry.values[slot] for entry, _, _ in seen}
            if behind >= 0.9 * len(seen) and len(different) > len(seen) / 2:
                return slot
    return None


def _is_stamp(kind: Kind, slot: int, seen: Sequence[tuple[Entry, int, int]]) -> bool:
    pairs = [(whole(entry.values[slot]), before, after) for entry, before, after in seen]
    if len(pairs) < 2 or len({value for value, _, _ in pairs}) < min(4, len(pairs)):
        return False
    if kind == "send":
        return sum(value in (before, after) for value, before, after in pairs) >= 0.9 * len(pairs)
    # A program that adds two jumps further, and one machine may ignore the stamps.
    by_two = sum(after >= before + 2 for _, before, after in pairs)
    least = 2 if by_two >= 0.9 * len(pairs) else 1
    jumped = [(value, after) for value, before, after in pairs if after > before + least]
    close = sum(after - 2 <= value <= after for value, after in jumped)
    below = sum(value <= after for value, _, after in pairs)
    enough = 0.9 if close < 0.9 * len(jumped) or len(jumped) < MANY_JUMPS else 0.5
    return bool(jumped) and close >= 0.7 * len(jumped) and below >= enough * len(pairs)


def _queue(sample: Sample, shape: int, free: Sequence[int]) -> int | None:
    wholes = [slot for slot in free if sample.is_whole(shape, slot)]
    named = [s for s in wholes if is_named([sample.name(shape, s)], QUEUE_WORDS)]
    named += [s for s in wholes if is_named(sample.behind(shape, s), QUEUE_WORDS)]
    return named[0] if named else None


def _unnamed_queue(
    logs: Logs,
    events: Mapping[str, Sequence[Entry]],
    roles: Mapping[int, Roles],
    shape: int,
    free: Sequence[int],
) -> int | None:
    """Return the slot whose values behave like the length of a queue.

    A receive takes one message, so the length falls by no more than one; and a machine does
    something else only when nothing waits.
    """
    for slot in free:
        if not logs.sample.is_whole(shape, slot):
            continue
        values = {*map(whole, logs.sample.values(shape, slot))}
        if len(values) < 2 or min(values) < 0:
            continue
        steps, ends = list[bool](), Counter[int]()
        for entry, after in (pair for some in events.values() for pair in pairwise(some)):
            if entry.shape == shape:
                length = whole(entry.values[slot])
                if after.shape == shape:
                    steps.append(whole(after.values[slot]) >= length - 1)
                elif roles[after.shape].kind != "receive":
                    ends[length] += 1
        ((rest, count),) = ends.most_common(1) or [(-1, 0)]
        is_empty = rest in (0, 1) and count >= MIN_ENDS and count >= 0.9 * ends.total()
        if is_empty and sum(steps) >= 0.95 * len(steps):
            return slot
    return None


def is_named(words: Iterable[str], known: Collection[str]) -> bool:
    """Return whether one of the words is known, or begins with a known long one."""
    long = tuple(word for word in known if len(word) >= MIN_STEM)
    return any(word in known or word.startswith(long) for word in words)


def _only_grows(sample: Sample, shape: int, slot: int) -> bool:
    return sample.is_whole(shape, slot) and sample.grows({shape: slot})


def _peers(logs: Logs, shape: int, free: Sequence[int]) -> list[int | None]:
    """Return the slots that may name the peer: a list, or a value with few different texts.

    A number that nothing calls a peer may be something else: then None comes first.
    """
    sample, one = logs.sample, logs.sample.shapes[shape]
    options = []
    for slot in free:
        part = one.key[one.slots[slot]]
        different = {text for value in sample.values(shape, slot) for text in texts(value)}
        # Of two machines, each has only one peer, as has the machine of a single line.
        is_name = part.kind == "name" and different <= {*logs.machines}
        several = len(different) > 1 or len(logs.machines) == 2 or is_name
        few = several and part.kind in ("whole", "name") and len(different) <= MAX_PEERS
        # A number that only grows counts something, or is a time.
        counts = one.count >= MANY_LINES and len(different) > len(logs.machines)
        few &= not (counts and _only_grows(sample, shape, slot))
        if part.is_list or few:
            named = sample.name(shape, slot) in PEER_WORDS
            options.append((not part.is_list, not named, part.kind != "name", slot))
    best: list[int | None] = [*(slot for *_, slot in sorted(options)[:MAX_OPTIONS])]
    is_sure = any(False in evidence for *evidence, _ in options)
    return best if is_sure else [None, *best]
