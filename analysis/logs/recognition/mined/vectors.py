"""Vector clocks in lines: lists with a number for each machine, of which one counts the lines."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

Lines = Sequence[tuple[int, str]]
Vector = tuple[int, ...]
#: A list of whole numbers, in brackets or bare.
LIST = re.compile(r"(?<![\w.:/+-])[\[({<]?\s*\d{1,9}(?:\s*[,;]\s*\d{1,9})+\s*[\])}>]?(?![\w.:/])")
#: The expression of a vector in a description.
PATTERN = r"[\[({<]?\s*\d+(?:\s*[,;]\s*\d+)+\s*[\])}>]?"
#: The share of the lines with a vector, and of the steps by one of the own component.
MIN_SHARE = 0.9
MIN_LINES = 5


class OwnCounts(NamedTuple):
    """Lines with the own component in the place of each vector.

    `order` are the files by the place of their machine in the vectors; `vectors` are by file and
    line.
    """

    lines: dict[str, Lines]
    order: tuple[str, ...]
    vectors: dict[tuple[str, int], Vector]


def counted(files: Mapping[str, Lines]) -> OwnCounts | None:
    """Return the logs with vectors among files; None unless there is one for each place."""
    lengths = {file: _length(lines) for file, lines in files.items()}
    (length, logs), *_ = Counter(lengths.values()).most_common(1)
    if length < 2 or logs != length:
        return None
    found = {
        file: [(number, text, _vector(text, length)) for number, text in files[file]]
        for file, its in lengths.items()
        if its == length
    }
    places = {
        file: _place([vector for _, _, vector in lines if vector]) for file, lines in found.items()
    }
    if {*places.values()} != {*range(length)}:
        return None
    return OwnCounts(
        {
            file: [
                (number, _replaced(text, length, vector[places[file]]) if vector else text)
                for number, text, vector in lines
            ]
            for file, lines in found.items()
        },
        tuple(sorted(places, key=lambda file: places[file])),
        {
            (file, number): vector
            for file, lines in found.items()
            for number, _, vector in lines
            if vector
        },
    )


def _length(lines: Lines) -> int:
    """Return the length of the lists in nearly all lines of a file, 0 if there is none."""
    lengths = Counter(
        length for _, text in lines for length in {len(_numbers(one)) for one in LIST.findall(text)}
    )
    filled = sum(bool(text.strip()) for _, text in lines)
    likely = [length for length, n in lengths.items() if n >= MIN_SHARE * filled and n >= MIN_LINES]
    return max(likely, default=0)


def _numbers(text: str) -> Vector:
    return tuple(map(int, re.findall(r"\d+", text)))


def _vector(text: str, length: int) -> Vector:
    some = (_numbers(one) for one in LIST.findall(text))
    return next((one for one in some if len(one) == length), ())


def _replaced(text: str, length: int, own: int) -> str:
    for found in LIST.finditer(text):
        if len(_numbers(found[0])) == length:
            begin = found.start() + len(found[0]) - len(found[0].lstrip())
            return f"{text[:begin]}{own}{text[begin + len(found[0].strip()) :]}"
    return text


def _place(vectors: Sequence[Vector]) -> int:
    """Return the place of the component that grows by one from line to line; -1 if none does."""
    steps = [list(pairwise(components)) for components in zip(*vectors, strict=True)]
    shares = [sum(b == a + 1 for a, b in some) / max(1, len(some)) for some in steps]
    best = max(range(len(shares)), key=lambda place: shares[place], default=-1)
    return best if best >= 0 and shares[best] >= MIN_SHARE else -1
