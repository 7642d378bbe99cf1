"""Recognition of logs of unknown format: the machines, and the reading of their lines."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from analysis.logs.recognition.candidates import Candidate, Logs
from analysis.logs.recognition.evidence.doubts import is_doubtful
from analysis.logs.recognition.evidence.vectors import reading_of
from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.machines import (
    Lines,
    alternatives,
    few_words_of,
    of_files,
    of_lines,
    with_peers,
    words_of,
)
from analysis.logs.recognition.mined.mining import codes, mine
from analysis.logs.recognition.mined.records import division, records
from analysis.logs.recognition.mined.shapes import Mined
from analysis.logs.recognition.mined.vectors import counted
from analysis.logs.recognition.names import PART, vocabulary
from analysis.logs.recognition.search import readings

#: The sets of names that are tried out.
MAX_VOCABULARIES = 8
MAX_ALTERNATIVES = 3
#: The share of lines in shapes that other files have, too, in the log of a machine.
MIN_COMMON = 0.5
#: Of these, the sets with which numbers are tried out as kinds.
MAX_CODED = 2
#: So much more a reading explains with numbers as kinds, if some reading makes sense without.
CODED = 25
#: A reading that ranks so little below a doubtful one may be better than it.
NEAR = 5
#: An object of an array that has several lines.
OBJECT = re.compile(r"^\s*\[?\s*(\{.*\})\s*[,\]]*\s*$")


@dataclass(frozen=True)
class Recognised:
    """Logs with their reading.

    `files` are the machine of each file; the one file that holds all machines has "". `vectors` are
    the machines by their places in vector clocks, () of other clocks.
    """

    files: Mapping[str, str]
    logs: Logs
    reading: Candidate
    vectors: tuple[str, ...] = ()

    @property
    def explains(self) -> float:
        """How well an event follows from the others, on average."""
        return self.reading.score.total / sum(map(len, self.logs.entries.values()))

    @property
    def rival(self) -> Candidate | None:
        """Another reading that explains the logs equally."""
        return self.reading.rival


def recognise(lines: Mapping[str, Lines]) -> Recognised | None:
    """Return the reading of the lines (number, text) of some files; None if none makes sense."""
    if not lines:
        return None
    if with_vectors := _with_vectors(lines):
        return with_vectors
    # Other files beside the logs are divided otherwise.
    (by, _), *_ = Counter(division([some]) for some in lines.values()).most_common(1)
    cut = {
        file: [(number, OBJECT.sub(r"\1", text)) for number, text in records(some, by)]
        for file, some in lines.items()
    }
    best: Recognised | None = None
    undecided: Recognised | None = None
    doubtful = float("-inf")
    for files, logs in _logs(cut):
        found = [one for one in readings(logs)[:1] if one.makes_sense]
        for reading in found:
            if best and reading.rank <= best.reading.rank + CODED * logs.is_coded:
                continue
            if is_doubtful(logs, reading):
                doubtful = max(doubtful, reading.rank)
                continue
            if reading.rival:
                if not undecided or reading.rank > undecided.reading.rank:
                    undecided = Recognised(files, logs, reading)
                continue
            best = Recognised(files, logs, reading)
        if best and best.reading.is_perfect and best.reading in found:
            break
    open_ = undecided.reading.rank if undecided else float("-inf")
    if best and best.reading.rank > max(doubtful, open_) - NEAR:
        return best
    return undecided if open_ > doubtful - NEAR else None


def _with_vectors(lines: Mapping[str, Lines]) -> Recognised | None:
    """Return the reading of logs with vector clocks; None if these are none."""
    if (found := counted(lines)) is None:
        return None
    mined = mine(found.lines, with_peers(frozenset(vocabulary([*found.lines])), found.lines))
    read = list[Recognised]()
    for logs in of_files(mined, tuple(found.lines)):
        files = dict(zip(_in_order(logs, mined), logs.machines, strict=True))
        if reading := reading_of(logs, files, found):
            order = tuple(files[file] for file in found.order)
            read.append(Recognised(files, logs, reading, order))
    return max(read, key=lambda one: one.reading.receivers is not None, default=None)


def _logs(cut: Mapping[str, Lines]) -> Iterator[tuple[dict[str, str], Logs]]:
    """Yield the ways to divide records among machines, each with the machine of each file."""
    by_files = with_peers(frozenset(vocabulary(list(cut))), cut)
    first = mine(cut, by_files)
    some = chain(islice(alternatives(first), MAX_ALTERNATIVES), words_of(cut))
    names = dict.fromkeys(by_files | words for words in some)
    rest = (mine(cut, words) for words in islice(names, MAX_VOCABULARIES) if words != by_files)
    with_codes = [] if _names_kinds(first) else [mine(cut, by_files, one) for one in codes(first)]
    is_divided = False
    for mined in (first, *rest, *with_codes):
        shared = logs_among(mined)
        for files in dict.fromkeys([tuple(_with_alike(mined, shared)), tuple(shared)]):
            if len(files) > 1:
                is_divided = True
                for logs in of_files(mined, files):
                    yield dict(zip(_in_order(logs, mined), logs.machines, strict=True)), logs
    if not is_divided:
        longest = max(cut, key=lambda file: len(cut[file]))
        few = dict.fromkeys([frozenset[str](), *few_words_of(cut[longest])])
        alone = {longest: cut[longest]}
        plain = [mine(alone, words) for words in [*few][:MAX_VOCABULARIES]]
        coded = [] if _names_kinds(plain[0]) else _with_codes(alone, [*few], plain)
        for mined in (*plain, *coded):
            yield from (({longest: ""}, logs) for logs in of_lines(mined, longest))


def _with_codes(
    cut: Mapping[str, Lines], few: Sequence[frozenset[str]], plain: Sequence[Mined]
) -> Iterator[Mined]:
    """Yield the mined lines with each number that may stand for the kind of event."""
    for words, mined in islice(zip(few, plain, strict=False), MAX_CODED):
        yield from (mine(cut, words, one) for one in codes(mined))


def _names_kinds(mined: Mined) -> bool:
    """Return whether the words of frequent lines name several kinds of events."""
    frequent = [s for s in mined.shapes if s.slots and s.count > 2 * len(mined.entries)]
    return len({kind for shape in frequent for kind in kinds_of(*shape.named_words)[:1]}) > 1


def _in_order(logs: Logs, mined: Mined) -> list[str]:
    """Return the file of each machine."""
    by_entries = {id(some): file for file, some in mined.entries.items()}
    return [by_entries[id(some)] for some in logs.entries.values()]


def _with_alike(mined: Mined, files: Sequence[str]) -> list[str]:
    """Return the logs with the files called alike: a machine may do what no other one does."""
    parts = {file: _pattern(file) for file in mined.entries}
    patterns = {parts[file] for file in files}
    return [file for file in mined.entries if file in files or {parts[file]} == patterns]


def _pattern(file: str) -> tuple[str, ...]:
    """Return the kinds of the parts of a file's name, and its suffix."""
    kinds = [
        "0" if part.isdigit() else "a" if part.isalpha() else part for part in PART.findall(file)
    ]
    return (*kinds, Path(file).suffix)


def logs_among(mined: Mined) -> list[str]:
    """Return the files that share frequent shapes, or their names and some shapes: those of
    machines. A slow machine may do nothing that another one does.
    """
    files = {
        shape: sum(n > 0 for n in mined.shapes[shape].counts.values())
        for shape in range(len(mined.shapes))
    }
    common = {n for n, shared in files.items() if shared > 1 and mined.shapes[n].slots}
    shares = {
        file: sum(entry.shape in common for entry in some) / len(some)
        for file, some in mined.entries.items()
        if some
    }
    alike = {_without_numbers(file) for file, share in shares.items() if share > MIN_COMMON}
    return [
        file
        for file, share in shares.items()
        if share > MIN_COMMON or (share and _without_numbers(file) in alike)
    ]


def _without_numbers(file: str) -> str:
    return re.sub(r"\d+", "0", file)
