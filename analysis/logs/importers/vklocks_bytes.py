"""The plain lines of a big text log of the first vklocks, byte by byte.

Nearly all lines of such a log are exactly as the program writes them. A loop over their bytes,
compiled, reads those much faster than regular expressions can; whatever it does not know it
leaves to them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.kernels import fast
from analysis.history.run import MAX_INT64

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

ODD, INTERNAL, SEND, BROADCAST, RECEIVE, SENT, ARRIVED = range(7)
#: What is written in a line: before what it says, how that begins, by its code, what follows a
#: name, and what follows the clock.
WRITTEN = (
    " INFO: ",
    "Internal event: updated logical clock to ",
    "Sent event to ",
    "Broadcast sent: updated logical clock to ",
    "Processed received message: updated logical clock to ",
    "Sent message to ",
    "Received message from ",
    "updated logical clock to ",
    "sent_clock=",
    "received_clock=",
    ", system_time=",
    ", queue_length=",
)
SYSTEM_TIME, QUEUE_LENGTH = 10, 11
#: By code, what of WRITTEN follows the name; 0 if there is no name.
AFTER_NAME = np.array([0, 0, 7, 0, 0, 8, 9])
LENGTHS = np.array([len(text) for text in WRITTEN])
LITERALS = np.zeros((len(WRITTEN), LENGTHS.max()), np.uint8)
for _number, _text in enumerate(WRITTEN):
    LITERALS[_number, : len(_text)] = np.frombuffer(_text.encode(), np.uint8)
#: The digits of a time, with the mark that follows each of its numbers: 2025-03-05 16:55:41,106.
PARTS = np.array([(4, "-"), (2, "-"), (2, " "), (2, ":"), (2, ":"), (2, ","), (3, " ")], object)
DIGITS = PARTS[:, 0].astype(np.int64)
MARKS = np.array([ord(mark) for mark in PARTS[:, 1]])
LIMITS = np.array([9999, 12, 31, 23, 59, 59, 999])
DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MAX_MS = MAX_INT64 // 1_000_000
MAX_NAMES = 512
MAX_DIGITS = 18
CR, SPACE, DOT, ZERO, NINE, COLON, DELETE = 13, 32, 46, 48, 57, 58, 127


class Lines(NamedTuple):
    """By line: where it ends, its code, its time, the clock that it tells, the queue (-1: none),
    and the number of the name in it (-1: none). Of an ODD line only the end and code count."""

    ends: Ints
    code: Bytes
    at_ms: Ints
    clock: Ints
    queue: Ints
    name: Ints
    names: list[str]

    @property
    def odd(self) -> Ints:
        """The lines that are not plain, from 0."""
        return np.flatnonzero(self.code == ODD)

    def others(self, text: bytes) -> bytes:
        """The lines that are not plain."""
        begins = np.append(0, self.ends[:-1] + 1)
        odd = self.odd
        spans = zip(begins[odd].tolist(), (self.ends[odd] + 1).tolist(), strict=True)
        return b"".join(text[begin:end] for begin, end in spans)


def scan(text: bytes) -> Lines:
    """What the lines say. The last one may have no end: then it is not plain."""
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    whole = len(ends)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    code = np.zeros(len(ends), np.uint8)
    at_ms, clock, queue, name = np.full((4, len(ends)), -1)
    spans = np.zeros((MAX_NAMES, 2), np.int64)
    tables = LITERALS, LENGTHS, AFTER_NAME, DIGITS, MARKS, LIMITS, DAYS
    walk = fast(scan_lines, len(ends))
    known = walk(data, ends[:whole], *tables, code, at_ms, clock, queue, name, spans)
    names = [text[begin:end].decode() for begin, end in spans[:known].tolist()]
    return Lines(ends, code, at_ms, clock, queue, name, names)


def scan_lines(
    data: Bytes,
    ends: Ints,
    literals: Bytes,
    lengths: Ints,
    after_name: Ints,
    digits: Ints,
    marks: Ints,
    limits: Ints,
    days: Ints,
    code: Bytes,
    at_ms: Ints,
    clock: Ints,
    queue: Ints,
    name: Ints,
    spans: Ints,
) -> int:
    """Fill what is known of each plain line; returns how many `spans` of names there are.

    One loop, as a compiled function cannot call one that is not. The days since 1970 are by
    Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil.
    """
    known, begin = 0, 0
    value = np.zeros(7, np.int64)
    for line in range(len(ends)):
        at, end = begin, ends[line]
        begin = end + 1
        if end > at and data[end - 1] == CR:
            end -= 1
        # The time: numbers of as many digits, each with its mark behind it.
        ok = end - at > 24 + lengths[0]
        for part in range(7):
            value[part] = 0
            for _ in range(digits[part]):
                digit = int(data[at]) - ZERO if ok else -1
                ok = ok and 0 <= digit <= 9
                value[part] = value[part] * 10 + digit
                at += 1
            ok = ok and value[part] <= limits[part] and data[at] == marks[part]
            at += part < 6
        if not ok or value[1] == 0 or value[2] == 0:
            continue
        year, month, day = value[0], value[1], value[2]
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if day > days[month] + (1 if leap and month == 2 else 0):
            continue
        year -= 1 if month <= 2 else 0
        of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
        of_era = year % 400 * 365 + year % 400 // 4 - year % 400 // 100 + of_year
        hours = (year // 400 * 146097 + of_era - 719468) * 24 + value[3]
        ms = ((hours * 60 + value[4]) * 60 + value[5]) * 1000 + value[6]
        if ms < 0 or ms > MAX_MS:
            continue
        # What is written next, and then which beginning.
        found = -1
        for n in range(lengths[0]):
            ok = ok and data[at + n] == literals[0, n]
        at += lengths[0]
        for kind in range(1, 7):
            if ok and found < 0 and at + lengths[kind] <= end:
                same = True
                for n in range(lengths[kind]):
                    if data[at + n] != literals[kind, n]:
                        same = False
                        break
                if same:
                    found = kind
        if found < 0:
            continue
        at += lengths[found]
        # A name, its colon, and what follows.
        who, follows = -1, after_name[found]
        if follows:
            stop = at
            while stop < end and SPACE < data[stop] < DELETE:
                stop += 1
            ok = stop - at > 1 and stop + 1 + lengths[follows] <= end
            ok = ok and data[stop] == SPACE and data[stop - 1] == COLON
            for n in range(lengths[follows]):
                ok = ok and data[stop + 1 + n] == literals[follows, n]
            if not ok:
                continue
            for other in range(known):
                if who < 0 and spans[other, 1] - spans[other, 0] == stop - 1 - at:
                    who = other
                    for n in range(stop - 1 - at):
                        if data[at + n] != data[spans[other, 0] + n]:
                            who = -1
                            break
            if who < 0:
                if known == len(spans):
                    continue
                who = known
                spans[known, 0], spans[known, 1] = at, stop - 1
                known += 1
            at = stop + 1 + lengths[follows]
        # The clock, and behind it, of an event, the time again and the queue.
        number, first = 0, at
        while at < end and ZERO <= data[at] <= NINE and at - first <= MAX_DIGITS:
            number = number * 10 + int(data[at]) - ZERO
            at += 1
        ok = first < at <= first + MAX_DIGITS
        length = -1
        if found <= RECEIVE:
            ok = ok and at + lengths[SYSTEM_TIME] < end
            for n in range(lengths[SYSTEM_TIME]):
                ok = ok and data[at + n] == literals[SYSTEM_TIME, n]
            at += lengths[SYSTEM_TIME]
            first = at
            while at < end and (ZERO <= data[at] <= NINE or data[at] == DOT):
                at += 1
            ok = ok and at > first
            if at < end:
                ok = ok and at + lengths[QUEUE_LENGTH] < end
                for n in range(lengths[QUEUE_LENGTH]):
                    ok = ok and data[at + n] == literals[QUEUE_LENGTH, n]
                at += lengths[QUEUE_LENGTH]
                length, first = 0, at
                while at < end and ZERO <= data[at] <= NINE and at - first <= MAX_DIGITS:
                    length = length * 10 + int(data[at]) - ZERO
                    at += 1
                ok = ok and first < at <= first + MAX_DIGITS and at == end
        if ok:
            code[line], at_ms[line], clock[line] = found, ms, number
            queue[line], name[line] = length, who
    return known
