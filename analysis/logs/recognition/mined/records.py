"""Records of a log: lines, or blocks of several lines."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import mode
from typing import Literal

#: How a log is divided: each line is a record, blank lines end records, or a heading begins one.
Division = Literal["lines", "blank lines"] | str
Numbered = Sequence[tuple[int, str]]

#: A record of more lines is a paragraph of text.
MAX_LINES = 20
#: The share of blocks with several lines from which blank lines separate records.
MIN_SHARE = 0.8
MIN_RECORDS = 3
#: A field on a line of its own, and how many different ones a record has at least.
FIELD = re.compile(r"\s*(#|[^\W\d][\w -]*?)\s?[:=]")
BARE = "*"
MIN_FIELDS = 2
NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: Names of fields within a line; the T of a time is none.
FIELDS = re.compile(r"(?<!\w)[^\W\d]\w*\s?[:=]")


def division(files: Sequence[Numbered]) -> Division:
    """Return how the lines (number, text) of some files are divided into records."""
    blocks = [block for lines in files for block in _blocks(lines)]
    several = sum(1 < len(block) <= MAX_LINES and _is_record(block) for block in blocks)
    if len(blocks) >= MIN_RECORDS and several >= MIN_SHARE * len(blocks):
        return "blank lines"
    return heading(files) or "lines"


def _is_record(block: Numbered) -> bool:
    """Return whether no field comes twice in a block, nor a line but for its numbers."""
    fields = [name for _, text in block if (name := _first(text)) != BARE]
    alike = {NUMBER.sub("0", text) for _, text in block}
    return len(fields) == len(set(fields)) and len(alike) == len(block)


def heading(files: Sequence[Numbered]) -> str:
    """Return the name of the field that begins a record of several lines, or "".

    Each field of such a record is on a line of its own, with its name in front. A line that is no
    field, such as the kind of event alone, counts as the field BARE.
    """
    firsts = [_first(text) for lines in files for _, text in lines if text.strip()]
    counts = Counter(firsts)
    common = [word for word, n in counts.items() if n >= len(firsts) / MAX_LINES]
    several = sum(len(FIELDS.findall(text)) > 1 for lines in files for _, text in lines)
    covered = sum(counts[word] for word in common)
    if (
        len([word for word in common if word != BARE]) < MIN_FIELDS
        or covered < MIN_SHARE * len(firsts)
        or several > (1 - MIN_SHARE) * len(firsts)
    ):
        return ""
    # The first of them that occurs begins the first record.
    candidates = [BARE, *common] if BARE in common else common
    return next((word for word in candidates if _is_heading(word, common, files)), "")


def _is_heading(word: str, common: Sequence[str], files: Sequence[Numbered]) -> bool:
    """Return whether each of the common words comes at most once between two of this word."""
    records = [
        [_first(text) for _, text in block]
        for lines in files
        for block in _headed(lines, word)
        if _first(block[0][1]) == word
    ]
    once = sum(max(Counter(record).values()) == 1 for record in records)
    longer = sum(len(record) > 1 for record in records)
    least = MIN_SHARE * len(records)
    always = len([w for w in common if sum(w in record for record in records) >= least])
    return (
        len(records) >= MIN_RECORDS
        and min(once, longer) >= MIN_SHARE * len(records)
        and always >= 2
    )


def _first(text: str) -> str:
    """Return the name of the field on a line, or BARE."""
    found = FIELD.match(text)
    return found[1] if found else BARE


def records(lines: Numbered, by: Division) -> Iterator[tuple[int, str]]:
    """Yield the records of a file: the number of the first line, and the text."""
    if by == "lines":
        yield from ((number, text) for number, text in lines if text.strip())
        return
    blocks = list(_blocks(lines) if by == "blank lines" else _headed(lines, by))
    before = mode(map(_bare, blocks)) if blocks else 0
    behind = mode(_bare(block[::-1]) for block in blocks) if blocks else 0
    for block in blocks:
        # Lines before the first record, and those between two trials, end with no blank line.
        begin = max(0, _bare(block) - before)
        end = len(block) - max(0, _bare(block[::-1]) - behind)
        yield block[begin][0], "\n".join(text for _, text in block[begin:end])


def _bare(block: Numbered) -> int:
    """Return how many lines before the first field of a block are no fields."""
    return next((n for n, (_, text) in enumerate(block) if _first(text) != BARE), 0)


def _blocks(lines: Numbered) -> Iterator[Numbered]:
    return _divided(lines, lambda text: False)


def _headed(lines: Numbered, word: str) -> Iterator[Numbered]:
    return _divided(lines, lambda text: _first(text) == word)


def _divided(lines: Numbered, begins: Callable[[str], bool]) -> Iterator[Numbered]:
    block: list[tuple[int, str]] = []
    for number, text in lines:
        if block and (not text.strip() or begins(text)):
            yield block
            block = []
        if text.strip():
            block.append((number, text))
    if block:
        yield block
