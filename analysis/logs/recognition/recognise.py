"""Recognition of logs of unknown format: the machines, and the reading of their lines."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from analysis.logs.recognition.candidates import Candidate, Logs
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
from analysis.logs.recognition.names import vocabulary
from analysis.logs.recognition.search import is_doubtful, readings

#: The sets of names that are tried out.
MAX_VOCABULARIES = 8
MAX_ALTERNATIVES = 3
#: An object of an array that has several lines.
OBJECT = re.compile(r"^\s*\[?\s*(\{.*\})\s*[,\]]*\s*$")


@dataclass(frozen=True)
class Recognised:
    """Logs with their reading.

    `files` are the machine of each file; the one file that holds all machines has "".
    """

    files: Mapping[str, str]
    logs: Logs
    reading: Candidate


def recognise(lines: Mapping[str, Lines]) -> Recognised | None:
    """Return the reading of the lines (number, text) of some files; None if none makes sense."""
    if not lines:
        return None
    # Other files beside the logs are divided otherwise.
    (by, _), *_ = Counter(division([some]) for some in lines.values()).most_common(1)
    cut = {
        file: [(number, OBJECT.sub(r"\1", text)) for number, text in records(some, by)]
        for file, some in lines.items()
    }
    best = None
    for files, logs in _logs(cut):
        found = readings(logs)
        if found and found[0].makes_sense and (not best or found[0].rank > best.reading.rank):
            best = Recognised(files, logs, found[0])
            if found[0].is_perfect:
                break
    return None if best is None or is_doubtful(best.logs, best.reading) else best


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
        if len(files := logs_among(mined)) > 1:
            is_divided = True
            for logs in of_files(mined, files):
                yield dict(zip(_in_order(logs, mined), logs.machines, strict=True)), logs
    if not is_divided:
        longest = max(cut, key=lambda file: len(cut[file]))
        few = dict.fromkeys([frozenset[str](), *few_words_of(cut[longest])])
        for mined in (mine({longest: cut[longest]}, words) for words in [*few][:MAX_VOCABULARIES]):
            yield from (({longest: ""}, logs) for logs in of_lines(mined, longest))


def _names_kinds(mined: Mined) -> bool:
    """Return whether the words of frequent lines name several kinds of events."""
    frequent = [s for s in mined.shapes if s.slots and s.count > 2 * len(mined.entries)]
    return len({kind for shape in frequent for kind in kinds_of(*shape.named_words)[:1]}) > 1


def _in_order(logs: Logs, mined: Mined) -> list[str]:
    """Return the file of each machine."""
    by_entries = {id(some): file for file, some in mined.entries.items()}
    return [by_entries[id(some)] for some in logs.entries.values()]


def logs_among(mined: Mined) -> list[str]:
    """Return the files that share frequent shapes: those of machines."""
    files = {
        shape: sum(n > 0 for n in mined.shapes[shape].counts.values())
        for shape in range(len(mined.shapes))
    }
    common = {n for n, shared in files.items() if shared > 1 and mined.shapes[n].slots}
    return [
        file
        for file, some in mined.entries.items()
        if sum(entry.shape in common for entry in some) > len(some) / 2
    ]
