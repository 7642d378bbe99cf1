"""The plain lines of a large text log of the first vklocks, byte by byte.

Nearly all lines of such a log are exactly as the program writes them. Compiled loops over their
bytes read them much faster than regular expressions, and uncompiled loops much slower; lines of
any other form are left to the expressions.

The stages are kernels over all lines: times, beginnings, names, clocks, queues. `at` is the
position that a stage has reached in each line; a stage that does not know the next part of a line
sets its code to ODD, and the following stages skip it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.kernels import compiled
from analysis.history.run import MAX_INT64

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

ODD, INTERNAL, SEND, BROADCAST, RECEIVE, SENT, ARRIVED = range(7)
#: The literal texts of lines: the level, the beginnings by code, and the texts that follow a name
#: or a clock.
TEXTS = (
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
#: By code, the number of the text that follows the name; 0 without a name.
AFTER_NAME = np.array([0, 0, 7, 0, 0, 8, 9])
LENGTHS = np.array([len(text) for text in TEXTS])
LITERALS = np.zeros((len(TEXTS), LENGTHS.max()), np.uint8)
for _number, _text in enumerate(TEXTS):
    LITERALS[_number, : len(_text)] = np.frombuffer(_text.encode(), np.uint8)
#: The parts of a time, as digits and the mark that follows: 2025-03-05 16:55:41,106.
PARTS = np.array([(4, "-"), (2, "-"), (2, " "), (2, ":"), (2, ":"), (2, ","), (3, " ")], object)
DIGITS = PARTS[:, 0].astype(np.int64)
MARKS = np.array([ord(mark) for mark in PARTS[:, 1]])
LIMITS = np.array([9999, 12, 31, 23, 59, 59, 999])
FIRST_YEAR = 1970
#: The first days of all months from FIRST_YEAR until after MAX_MS, in days since 1970.
MONTHS = np.arange("1970-01", "2263-01", dtype="datetime64[M]").astype("datetime64[D]")
MONTH_DAYS = MONTHS.astype(np.int64)
MAX_MS = MAX_INT64 // 1_000_000
MAX_NAMES = 512
MAX_DIGITS = 18
CR, SPACE, DOT, ZERO, NINE, COLON, DELETE = 13, 32, 46, 48, 57, 58, 127


class ScannedLines(NamedTuple):
    """By line: its end, its code, its time, its clock, its queue (-1: none), and the number of its
    name (-1: none). Only end and code are valid for an ODD line."""

    ends: Ints
    code: Bytes
    at_ms: Ints
    clock: Ints
    queue: Ints
    name: Ints
    names: list[str]

    @property
    def odd(self) -> Ints:
        """The indexes of lines that are not plain."""
        return np.flatnonzero(self.code == ODD)

    def rest(self, text: bytes) -> bytes:
        """Return the lines that are not plain."""
        begins = np.append(0, self.ends[:-1] + 1)
        odd = self.odd
        spans = zip(begins[odd].tolist(), (self.ends[odd] + 1).tolist(), strict=True)
        return b"".join(text[begin:end] for begin, end in spans)


def scan(text: bytes) -> ScannedLines:
    """Scan all lines, which needs Numba. A last line without an end is not plain."""
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    at, stops = np.append(0, ends + 1)[:-1], ends - (data[ends - 1] == CR)
    stops = np.maximum(at, stops)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    code = np.zeros(len(ends), np.uint8)
    at_ms, clock, queue, name = np.full((4, len(ends)), -1)
    spans = np.zeros((MAX_NAMES, 2), np.int64)
    compiled(scan_times)(data, stops, DIGITS, MARKS, LIMITS, MONTH_DAYS, at, at_ms)
    compiled(scan_beginnings)(data, stops, LITERALS, LENGTHS, at, at_ms, code)
    known = compiled(scan_names)(data, stops, LITERALS, LENGTHS, AFTER_NAME, at, code, name, spans)
    compiled(scan_clocks)(data, stops, at, code, clock)
    compiled(scan_queues)(data, stops, LITERALS, LENGTHS, at, code, queue)
    names = [text[begin:end].decode() for begin, end in spans[:known].tolist()]
    return ScannedLines(ends, code, at_ms, clock, queue, name, names)


def scan_times(
    data: Bytes,
    stops: Ints,
    digits: Ints,
    marks: Ints,
    limits: Ints,
    months: Ints,
    at: Ints,
    at_ms: Ints,
) -> None:
    """Fill `at_ms` for lines that begin with a time, and move `at` behind it."""
    value = np.zeros(7, np.int64)
    for line in range(len(stops)):
        here = at[line]
        ok = stops[line] - here > 31
        for part in range(7):
            if not ok:
                break
            number = 0
            for _ in range(digits[part]):
                digit = int(data[here]) - ZERO
                ok = ok and 0 <= digit <= 9
                number = number * 10 + digit
                here += 1
            ok = ok and number <= limits[part] and data[here] == marks[part]
            value[part] = number
            here += part < 6
        month = (value[0] - FIRST_YEAR) * 12 + value[1] - 1
        if not ok or value[1] == 0 or month < 0 or month + 1 >= len(months):
            continue
        if value[2] == 0 or value[2] > months[month + 1] - months[month]:
            continue
        hours = (months[month] + value[2] - 1) * 24 + value[3]
        ms = ((hours * 60 + value[4]) * 60 + value[5]) * 1000 + value[6]
        if ms <= MAX_MS:
            at[line], at_ms[line] = here, ms


def scan_beginnings(
    data: Bytes, stops: Ints, literals: Bytes, lengths: Ints, at: Ints, at_ms: Ints, code: Bytes
) -> None:
    """Fill the code of lines with a time, the level and a known beginning; move `at` behind it."""
    for line in range(len(stops)):
        same = at_ms[line] >= 0
        here = at[line]
        for n in range(lengths[0]):
            same = same and data[here + n] == literals[0, n]
        if not same:
            continue
        here += lengths[0]
        for kind in range(1, ARRIVED + 1):
            same = here + lengths[kind] <= stops[line]
            for n in range(lengths[kind]):
                if not same:
                    break
                same = data[here + n] == literals[kind, n]
            if same:
                code[line], at[line] = kind, here + lengths[kind]
                break


def scan_names(
    data: Bytes,
    stops: Ints,
    literals: Bytes,
    lengths: Ints,
    after_name: Ints,
    at: Ints,
    code: Bytes,
    name: Ints,
    spans: Ints,
) -> int:
    """Fill the names, and move `at` behind the text that follows; return the number of `spans`."""
    known = 0
    for line in range(len(stops)):
        follows = after_name[code[line]]
        if not follows:
            continue
        begin, end, stop = at[line], stops[line], at[line]
        while stop < end and SPACE < data[stop] < DELETE:
            stop += 1
        ok = stop - begin > 1 and stop + 1 + lengths[follows] <= end
        ok = ok and data[stop] == SPACE and data[stop - 1] == COLON
        for n in range(lengths[follows]):
            ok = ok and data[stop + 1 + n] == literals[follows, n]
        length, number = stop - 1 - begin, 0
        while ok and number < known:
            same = spans[number, 1] - spans[number, 0] == length
            for n in range(length):
                if not same:
                    break
                same = data[begin + n] == data[spans[number, 0] + n]
            if same:
                break
            number += 1
        if not ok or number == len(spans):
            code[line] = ODD
            continue
        if number == known:
            spans[known, 0], spans[known, 1] = begin, stop - 1
            known += 1
        name[line], at[line] = number, stop + 1 + lengths[follows]
    return known


def scan_clocks(data: Bytes, stops: Ints, at: Ints, code: Bytes, clock: Ints) -> None:
    """Fill the clocks, and move `at` behind them."""
    for line in range(len(stops)):
        if code[line] == ODD:
            continue
        first, here, number = at[line], at[line], 0
        while here < stops[line] and ZERO <= data[here] <= NINE and here - first <= MAX_DIGITS:
            number = number * 10 + int(data[here]) - ZERO
            here += 1
        if first < here <= first + MAX_DIGITS:
            clock[line], at[line] = number, here
        else:
            code[line] = ODD


def scan_queues(
    data: Bytes, stops: Ints, literals: Bytes, lengths: Ints, at: Ints, code: Bytes, queue: Ints
) -> None:
    """Check the rest of each event's line: the system time, and the queue at a receive."""
    for line in range(len(stops)):
        if code[line] == ODD or code[line] > RECEIVE:
            continue
        here, end, number = at[line], stops[line], -1
        ok = here + lengths[SYSTEM_TIME] < end
        for n in range(lengths[SYSTEM_TIME]):
            ok = ok and data[here + n] == literals[SYSTEM_TIME, n]
        here += lengths[SYSTEM_TIME]
        first = here
        while here < end and (ZERO <= data[here] <= NINE or data[here] == DOT):
            here += 1
        ok = ok and here > first
        if ok and here < end:
            ok = here + lengths[QUEUE_LENGTH] < end
            for n in range(lengths[QUEUE_LENGTH]):
                ok = ok and data[here + n] == literals[QUEUE_LENGTH, n]
            here += lengths[QUEUE_LENGTH]
            first, number = here, 0
            while here < end and ZERO <= data[here] <= NINE and here - first <= MAX_DIGITS:
                number = number * 10 + int(data[here]) - ZERO
                here += 1
            ok = ok and first < here <= first + MAX_DIGITS and here == end
        if ok:
            queue[line] = number
        else:
            code[line] = ODD
