"""Names of senders without a log: their messages are in no log, and speak against no reading."""

from collections import Counter
from collections.abc import Iterator

from analysis.logs.recognition.candidates import MAX_PEERS, Logs
from analysis.logs.recognition.names import ALL_OTHERS, NO_NAMES, Naming
from analysis.logs.recognition.sample import Sample, Slots
from analysis.logs.recognition.slots import PEER_WORDS, QUEUE_WORDS, is_named

BY_NAME = Naming("name")
#: The share of lines with a column from which on it is in nearly all.
MOSTLY = 0.85


def senders(logs: Logs) -> Slots:
    """Return the slots that name peers by shape, if some of these have no log; {} otherwise."""
    found = dict(_named(logs))
    texts = {
        str(value) for shape, slot in found.items() for value in logs.sample.values(shape, slot)
    }
    return found if any(not _machine(logs, text) for text in texts) else {}


def _named(logs: Logs) -> Iterator[tuple[int, int]]:
    """Yield shape and slot of names: at least half have a log, and none is the line's machine."""
    everywhere = _columns_of_all_lines(logs.sample)
    for shape, one in enumerate(logs.sample.shapes):
        for slot, at in enumerate(one.slots):
            part = one.key[at]
            if logs.sample.column(shape, slot) in everywhere or _is_queue(logs.sample, shape, slot):
                continue
            if part.is_list or part.kind not in ("name", "whole") or logs.own.get(shape) == slot:
                continue
            texts = {str(value) for value in logs.sample.values(shape, slot)}
            known = sum(bool(_machine(logs, text)) for text in texts)
            if (
                1 < len(texts) <= MAX_PEERS
                and 2 * known >= len(texts)
                and len(texts) <= len(logs.machines) + 1
                and not texts & (NO_NAMES | ALL_OTHERS)
                and not _names_itself(logs, shape, slot)
            ):
                yield shape, slot
                break


def _is_queue(sample: Sample, shape: int, slot: int) -> bool:
    """Return whether words call a value the length of a queue."""
    name = sample.name(shape, slot)
    behind = [] if name in PEER_WORDS else sample.behind(shape, slot)
    return is_named([name, *behind], QUEUE_WORDS)


def _columns_of_all_lines(sample: Sample) -> set[str]:
    """Return the columns that nearly all lines have: these are of no message."""
    lines = Counter[str]()
    for shape, one in enumerate(sample.shapes):
        columns = {sample.column(shape, slot) for slot in range(len(one.slots))}
        lines.update(dict.fromkeys(columns, one.count))
    every = sum(one.count for one in sample.shapes)
    return {column for column, count in lines.items() if count > MOSTLY * every}


def _names_itself(logs: Logs, shape: int, slot: int) -> bool:
    return any(
        _machine(logs, str(entry.values[slot])) == (machine,)
        for machine, some in logs.entries.items()
        for entry in some
        if entry.shape == shape
    )


def _machine(logs: Logs, text: str) -> tuple[str, ...]:
    return BY_NAME.machine(text, "", logs.machines)
