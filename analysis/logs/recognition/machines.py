"""The machines of logs: by file, or by a value or a word in each line."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from analysis.logs.recognition.candidates import Logs
from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.mined.shapes import Entry, Key, Mined
from analysis.logs.recognition.mined.tokens import tokens
from analysis.logs.recognition.names import NO_NAMES, RATE_WORDS, named, number_in
from analysis.logs.recognition.owners import MIN_SHARE, names_in_lines, own_slots
from analysis.logs.recognition.sample import Sample
from vm.spec import natural_order

Lines = Sequence[tuple[int, str]]

#: A name of the line's own machine is among its first words.
_NUMBERS = [("word", n) for n in range(8)]
MAX_COLUMNS = 12
#: Words between names, as they are written: Y may be a machine.
JOINING = {"and", "und", "y", "et", "e", "og", "och", "en", "or"}
WORD = re.compile(r"[^\W\d][\w.-]*")
MAX_NAMES = 32
MIN_LINES = 3


def is_no_name(word: str) -> bool:
    """Return whether a word at the place of a name is none: `none`, `all`, `left`."""
    return word.lower() in NO_NAMES


def words_of(files: Mapping[str, Lines]) -> Iterator[frozenset[str]]:
    """Yield sets of words that may be the names of machines, by their places in the lines.

    In several files, the word at a place is the same in nearly all lines of a file and differs
    between files, or a file has all words there but one: its own.
    """
    found = {file: _places(lines) for file, lines in files.items()}
    places = dict.fromkeys(place for places in found.values() for place in places)
    likely = sorted(places, key=_order)
    for place in likely:
        there = {file: {*places[place]} for file, places in found.items() if place in places}
        if len(there) > 1 and absent(there):
            yield frozenset().union(*there.values())
    for place in likely:
        words = {file: places[place] for file, places in found.items() if place in places}
        constant = [_constant(some, len(files[file])) for file, some in words.items()]
        own = [word for word in constant if word]
        if len(own) > 1 and len(set(own)) == len(own):
            yield _with_peers(frozenset(own), found.values())


def _order(place: tuple[str, int]) -> int:
    """Return how sure it is that words at a place are of one meaning, the surest first."""
    kind, _ = place
    return 0 if kind == "column" else 2 if kind == "word" else 1


def few_words_of(lines: Lines) -> Iterator[frozenset[str]]:
    """Yield sets of words that may be the names of machines in one file: few at the same place."""
    found = _places(lines)
    for place in sorted(found, key=_order):
        if _are_names(found[place], len(lines)):
            some = (word for word, n in found[place].items() if n >= MIN_LINES)
            yield frozenset(word for word in some if not is_no_name(word))


def with_peers(own: frozenset[str], files: Mapping[str, Lines]) -> frozenset[str]:
    """Return the names with those that stand at the same places: machines without a log."""
    return _with_peers(own, map(_places, files.values())) if len(own) > 1 else own


def _with_peers(
    own: frozenset[str], files: Iterable[Mapping[tuple[str, int], Counter[str]]]
) -> frozenset[str]:
    names, lines = set(own), list(files)
    together: dict[tuple[str, int], Counter[str]] = {}
    for places in lines:
        for place, words in places.items():
            # Words by number are at the same place only in lines of one shape.
            if place[0] != "word":
                together.setdefault(place, Counter()).update(words)
    for words in together.values():
        # A header is in each file once.
        least = max(MIN_LINES, len(lines) + 1)
        some = {word for word, n in words.items() if n >= least and _may_name(word)}
        if len(some & own) > 1 and 2 * len(some - own) <= len(some & own):
            names |= some
    return frozenset(names)


def _may_name(word: str) -> bool:
    return not is_no_name(word) and not kinds_of(word.lower().split("_"))


def alternatives(mined: Mined) -> Iterator[frozenset[str]]:
    """Yield sets of words by which shapes differ that are otherwise the same: names of peers."""
    found: dict[tuple[Key, int], Counter[str]] = {}
    for shape in mined.shapes:
        for at, part in enumerate(shape.key):
            if part.kind == "word" and _may_name(part.text):
                rest = (*shape.key[:at], *shape.key[at + 1 :])
                found.setdefault((rest, at), Counter())[part.text] += shape.count
    sets = Counter[frozenset[str]]()
    for words in found.values():
        if 1 < len(words) <= MAX_NAMES:
            sets[frozenset(words)] += words.total()
    by_count = [words for words, _ in sets.most_common()]
    # A machine that sends nothing is named only where its own lines differ from others.
    joined = (_joined(words, by_count) for words in by_count)
    yield from dict.fromkeys([*(some for some in joined if len(some) <= MAX_NAMES), *by_count])


def _joined(words: frozenset[str], sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """Return a set of words with those that others have beside words of it."""
    while more := [some for some in sets if some & words and not some <= words]:
        words = words.union(*more)
    return words


def absent(texts: Mapping[str, set[str]]) -> dict[str, str]:
    """Return for each file the one text that all other files together have, and it has not.

    So peers are named: a machine sends nothing to itself. {} unless the texts are all different.
    """
    all_ = set().union(*texts.values())
    missing = {file: all_ - some for file, some in texts.items()}
    single = {file: next(iter(some)) for file, some in missing.items() if len(some) == 1}
    if len(all_) == len(texts) == len(set(single.values())) and len(all_) > 1:
        return single
    return {}


def _constant(words: Counter[str], lines: int) -> str:
    """Return the word that is at a place in nearly all lines, or ""."""
    ((word, count),) = words.most_common(1)
    return word if count >= MIN_SHARE * lines else ""


def _places(lines: Lines) -> dict[tuple[str, int], Counter[str]]:
    """Count the words by place: in a column, behind another word, at the end, or by number."""
    found: dict[tuple[str, int], Counter[str]] = {}
    for _, text in lines:
        words = [one.text for one in tokens(text) if one.kind in ("word", "name")]
        cells = [cell.strip() for cell in text.split("\t" if "\t" in text else ",")]
        columns = [(("column", n), cell) for n, cell in enumerate(cells[:MAX_COLUMNS])]
        single = [(place, cell) for place, cell in columns if WORD.fullmatch(cell)]
        last = [(("", -1), word) for word in words[-1:]]
        for place, word in [*single, *_behind(words), *last, *zip(_NUMBERS, words, strict=False)]:
            found.setdefault(place, Counter())[word] += 1
    return found


def _behind(words: Sequence[str]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield words with the word before them; those of a list are behind the word before it."""
    before = ""
    for n, word in enumerate(words):
        if n and words[n - 1] not in JOINING and word not in JOINING:
            before = words[n - 1].lower()
        if n and word not in JOINING:
            yield (before, -1), word


def _are_names(counts: Counter[str], lines: int) -> bool:
    some = {word: n for word, n in counts.items() if n >= MIN_LINES}
    known = sum(bool(kinds_of([word.lower()])) for word in some)
    return (
        2 <= len(some) <= MAX_NAMES
        and sum(some.values()) >= MIN_SHARE * lines
        and 2 * known < len(some)
    )


def of_files(mined: Mined, files: Sequence[str]) -> Iterator[Logs]:
    """Yield the logs with a file for each machine, named by the file or by its lines."""
    kept = mined.of(files)
    sample = Sample(kept)
    own = own_slots(sample)
    names = {file: one.machine for file, one in named(files).items()}
    tried, in_lines = [], names_in_lines(sample, own)
    ways = [names, in_lines] if _are_other_numbers(in_lines, names) else [in_lines, names]
    for called in (*ways, *_never_named(sample)):
        if called and called not in tried:
            tried.append(called)
            yield _logs(sample, {file: kept.entries[file] for file in files}, called, own)


def _are_other_numbers(in_lines: Mapping[str, str], in_names: Mapping[str, str]) -> bool:
    """Return whether lines have a number for each file, and the names of files have others.

    Those in lines may be the speeds of machines.
    """
    numbers = [number_in(name) for name in in_names.values()]
    return (
        all(map(str.isdigit, in_lines.values()))
        and None not in numbers
        and not {*map(number_in, in_lines.values())} <= {*numbers}
    )


def _logs(
    sample: Sample,
    entries: Mapping[str, Sequence[Entry]],
    names: Mapping[str, str],
    own: dict[int, int],
) -> Logs:
    ordered = sorted(names, key=lambda file: natural_order(names[file]))
    return Logs(sample, {names[file]: entries[file] for file in ordered}, own)


def _never_named(sample: Sample) -> Iterator[dict[str, str]]:
    """Yield the names of the machines of files as the one peer that a file never names."""
    columns: dict[str, dict[str, set[str]]] = {}
    for file, some in sample.mined.entries.items():
        for entry in some:
            for slot, value in enumerate(entry.values):
                part = sample.shapes[entry.shape].key[sample.shapes[entry.shape].slots[slot]]
                if part.kind in ("whole", "name"):
                    texts = columns.setdefault(sample.column(entry.shape, slot), {})
                    there = texts.setdefault(file, set())
                    if len(there) <= MAX_NAMES:
                        there.update(value if isinstance(value, tuple) else (value,))
    for by_file in columns.values():
        if len(by_file) == len(sample.mined.entries) and (names := absent(by_file)):
            yield names


def of_lines(mined: Mined, file: str) -> Iterator[Logs]:
    """Yield the logs of all machines in one file, by each column that may name the machine."""
    entries = mined.entries[file]
    sample = Sample(mined.of([file]))
    lines = len(entries)
    tried = []
    for own in _columns(sample):
        by_machine: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.shape in own and isinstance(entry.values[own[entry.shape]], str):
                by_machine.setdefault(str(entry.values[own[entry.shape]]), []).append(entry)
        fewest = min(map(len, by_machine.values()), default=0)
        if (
            own not in tried
            and 2 <= len(by_machine) <= MAX_NAMES
            and fewest >= MIN_LINES
            and (sum(map(len, by_machine.values())) >= MIN_SHARE * lines)
        ):
            tried.append(own)
            names = {name: name for name in by_machine}
            split = Mined(mined.shapes, by_machine, mined.is_coded)
            yield _logs(Sample(split), by_machine, names, own)


def _columns(sample: Sample) -> Iterator[dict[int, int]]:
    """Yield the slots of each column of the most frequent shape, in the order of the line, names
    first; then those with as many values before them, or behind.
    """
    if not sample.order:
        return
    first, every = sample.order[0], range(len(sample.shapes))
    here = sample.shapes[first]
    fit = [n for n, at in enumerate(here.slots) if here.key[at].kind in ("name", "whole")]
    fit = [slot for slot in fit if sample.name(first, slot) not in RATE_WORDS]
    fit.sort(key=lambda slot: sample.part(first, slot).kind != "name")
    for slot in fit:
        column = sample.column(first, slot)
        yield {
            shape: n
            for shape in every
            for n in range(len(sample.shapes[shape].slots))
            if sample.column(shape, n) == column
        }
    for slot in fit:
        for behind in (0, len(here.slots)):
            places = {shape: slot + len(sample.shapes[shape].slots) - behind for shape in every}
            places = places if behind else dict.fromkeys(every, slot)
            yield {
                shape: n
                for shape, n in places.items()
                if 0 <= n < len(sample.shapes[shape].slots)
                and sample.part(shape, n).kind == sample.part(first, slot).kind
                and not sample.part(shape, n).is_list
            }
