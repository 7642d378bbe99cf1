"""The compact lines of a large log of ours, byte by byte, if these loops can be compiled.

By its kind, a line alternates between fixed texts and numbers. In a receive there is a sender
before one of the numbers, and a send has an end of any text: these are numbered, and judged once
for each different one. No other byte is accepted, and no number in another form than `vm.log`'s.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

INTERNAL, SEND, RECEIVE = range(3)
#: The place of the first letter of the kind in a line, and this letter by kind.
LETTER_AT = len('{"kind":"')
LETTERS = np.frombuffer(b"isr", np.uint8)
ZERO, NINE, QUOTE, LINE_END = b'09"\n'
MAX_DIGITS = 18
#: The hash of a text is below; there are fewer different texts.
SLOTS = 1 << 13

Make = Callable[[Callable[..., int]], Callable[..., int]]


class Form(NamedTuple):
    """The texts of lines, by kind: one before each number, and one behind the last.

    In a receive, the sender and one more text are before the number `named`.
    """

    texts: Sequence[Sequence[str]]
    named: int
    behind_name: str


class Scanned(NamedTuple):
    """By line, its kind, the number of its `text` (a sender or an end; -1: none), and its numbers
    in the rows of `numbers`. `senders` and `ends` are the different texts."""

    kind: Bytes
    text: Ints
    numbers: Ints
    senders: list[str]
    ends: list[str]


def scan(block: bytes, lines: int, form: Form, most: int, make: Make) -> Scanned | None:
    """Scan lines, with kernels as they are made by `make`; None if a line has another form, or if
    more than `most` texts differ."""
    different = [*dict.fromkeys(text for texts in form.texts for text in texts), form.behind_name]
    texts = np.zeros((len(different), max(map(len, different))), np.uint8)
    for row, text in zip(texts, different, strict=True):
        row[: len(text)] = np.frombuffer(text.encode(), np.uint8)
    lengths = np.array([*map(len, different)])
    steps = np.array([*map(len, form.texts)])
    program = np.zeros((len(steps), steps.max()), np.int64)
    for numbers_, its in zip(program, form.texts, strict=True):
        numbers_[: len(its)] = [different.index(text) for text in its]
    data, kind = np.frombuffer(block, np.uint8), np.zeros(lines, np.uint8)
    begin, stop, number = np.full((3, lines), -1)
    numbers = np.zeros((steps.max() - 1, lines), np.int64)
    fixed = data, LETTERS, texts, lengths, program, steps, np.array([form.named])
    if not make(scan_lines)(*fixed, kind, numbers, begin, stop):
        return None
    found = list[list[str]]()
    for of in (RECEIVE, SEND):
        rows = np.flatnonzero(kind == of)
        known = np.zeros((most, 2), np.int64)
        own = np.zeros(len(rows), np.int64)
        slots = np.full(SLOTS, -1)
        count = make(number_texts)(data, begin[rows], stop[rows], slots, known, own)
        if count < 0:
            return None
        number[rows] = own
        found.append([block[low:high].decode(errors="replace") for low, high in known[:count]])
    return Scanned(kind, number, numbers, *found)


def scan_lines(
    data: Bytes,
    letters: Bytes,
    texts: Bytes,
    lengths: Ints,
    program: Ints,
    steps: Ints,
    named: Ints,
    kind: Bytes,
    numbers: Ints,
    begin: Ints,
    stop: Ints,
) -> int:
    """Fill kinds, numbers, and where senders and ends begin and stop; return 1 if all lines are in
    the form, else 0."""
    at, size = 0, len(data)
    for line in range(len(kind)):
        if at + LETTER_AT >= size:
            return 0
        k = INTERNAL
        for other in range(len(letters)):
            if data[at + LETTER_AT] == letters[other]:
                k = other
        kind[line] = k
        last = steps[k] - 1
        step, is_behind_name = 0, False
        while step <= last:
            text = len(lengths) - 1 if is_behind_name else program[k, step]
            if at + lengths[text] > size:
                return 0
            for n in range(lengths[text]):
                if data[at + n] != texts[text, n]:
                    return 0
            at += lengths[text]
            if k == RECEIVE and step == named[0] and not is_behind_name:
                begin[line] = at
                while at < size and data[at] != QUOTE:
                    at += 1
                stop[line], is_behind_name = at, True
                continue
            is_behind_name = False
            if step < last:
                first, value = at, 0
                while at < size and ZERO <= data[at] <= NINE and at - first <= MAX_DIGITS:
                    value = value * 10 + (int(data[at]) - ZERO)
                    at += 1
                digits = at - first
                if digits == 0 or digits > MAX_DIGITS or (digits > 1 and data[first] == ZERO):
                    return 0
                numbers[step, line] = value
            step += 1
        if k == SEND:
            begin[line] = at
            while at < size and data[at] != LINE_END:
                at += 1
            stop[line] = at
            at += 1
    return int(at == size)


def number_texts(
    data: Bytes, begin: Ints, stop: Ints, slots: Ints, known: Ints, number: Ints
) -> int:
    """Number the different texts among some, fill where each of them is first, and return how many
    there are; -1 if there are too many."""
    count = 0
    for line in range(len(begin)):
        first, length, slot = begin[line], stop[line] - begin[line], 0
        for n in range(length):
            slot = (slot * 31 + int(data[first + n])) % SLOTS
        is_same = False
        while slots[slot] >= 0 and not is_same:
            other = known[slots[slot], 0]
            is_same = known[slots[slot], 1] - other == length
            for n in range(length):
                if not is_same:
                    break
                is_same = data[first + n] == data[other + n]
            if not is_same:
                slot = (slot + 1) % SLOTS
        if not is_same:
            if count == len(known):
                return -1
            slots[slot] = count
            known[count, 0], known[count, 1] = first, first + length
            count += 1
        number[line] = slots[slot]
    return count
