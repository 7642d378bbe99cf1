"""Lists of names in shapes: `to B and C`, `[1, 2]`, `"n1", "n3"`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.logs.recognition.mined.shapes import Key, Part, Value

#: Separators within a list of names.
SEPARATORS = {(), (",",), (";",), ("+",), ("and",), ("&",), ("/",), ("|",), (",", "and"), ("-",)}
#: Tokens of one element of a list, such as `worker 1` or `"n1"`.
MAX_ELEMENT = 4


class NameList(NamedTuple):
    """A list within a key: where it is, and the length of an element."""

    begin: int
    end: int
    element: int


def lists(counts: Collection[Key], few: Mapping[Key, frozenset[int]]) -> dict[Key, NameList]:
    """Return the keys that contain a list, with the list; also the keys with one element there."""
    found: dict[Key, NameList] = {}
    same = {_singular(key): key for key in counts}
    for key in sorted(counts, key=len, reverse=True):
        for run in _listings(key):
            single = key[: run.begin + run.element] + key[run.end :]
            single = same.get(_singular(single), single)
            if single in counts or _is_enclosed(key, run, few[key]):
                found.setdefault(key, run)
                found.setdefault(single, NameList(run.begin, run.begin + run.element, run.element))
                break
    return found


def _singular(key: Key) -> Key:
    """Return a key whose words have no s at the end: two peers are `ports`, one is a `port`."""
    return tuple(
        part._replace(text=part.text[:-1])
        if part.kind == "word" and part.text[-1:] == "s"
        else part
        for part in key
    )


def _is_enclosed(key: Key, run: NameList, few: frozenset[int]) -> bool:
    """Return whether a list is in brackets, and holds names: each is one of few."""
    names = all(n in few for n in range(run.begin, run.end) if key[n].is_value)
    around = key[run.begin - 1 : run.begin] + key[run.end : run.end + 1]
    return (
        names and len(around) == 2 and around[0].text + around[1].text in ("[]", "()", "{}", "<>")
    )


def _listings(key: Key) -> Iterator[NameList]:
    """Yield the places where an element is repeated, with separators between."""
    for begin in range(len(key)):
        for length in range(1, MAX_ELEMENT + 1):
            element = key[begin : begin + length]
            values = [part for part in element if part.is_value]
            if len(values) != 1 or values[0].kind not in ("whole", "name"):
                continue
            ends = [begin + length]
            is_open = bool(begin) and key[begin - 1].text in ("[", "(", "{", "<", '"')
            while size := _again(key, ends[-1], element, is_open):
                ends.append(ends[-1] + size)
            yield from (NameList(begin, end, length) for end in reversed(ends[1:]))


def _again(key: Key, at: int, element: Key, is_open: bool) -> int:
    """Return the length of a separator and the same element behind it, or 0.

    Only behind a bracket, spaces alone separate elements of one token.
    """
    for size in (1, 2, 0):
        between = tuple(part.text.lower() for part in key[at : at + size])
        begins = len(element) == 1 or element[0].kind == "word"
        word = len(between) == 1 and key[at].kind == "word" and begins
        if (between in SEPARATORS or word) and (size or is_open or len(element) > 1):
            behind = key[at + size : at + size + len(element)]
            if behind == element:
                return size + len(element)
    return 0


def gathered(
    key: Key, texts: tuple[str, ...], lists: dict[Key, NameList]
) -> tuple[Key, tuple[Value, ...], set[tuple[str, ...]]]:
    """Return a key with its list as one part, the values, and the separators."""
    run = lists.get(key)
    if run is None:
        return (
            key,
            tuple(text for part, text in zip(key, texts, strict=True) if part.is_value),
            set(),
        )
    element = key[run.begin : run.begin + run.element]
    inner = list(zip(key, texts, strict=True))[run.begin : run.end]
    listed = tuple(text for part, text in inner if part.is_value)
    value = next(part for part in element if part.is_value)
    gathered = (*key[: run.begin], Part(value.kind, "", element), *key[run.end :])
    values: list[Value] = [
        *(t for p, t in zip(key[: run.begin], texts[: run.begin], strict=True) if p.is_value),
        listed,
        *(t for p, t in zip(key[run.end :], texts[run.end :], strict=True) if p.is_value),
    ]
    return gathered, tuple(values), set(_separators(key, run))


def _separators(key: Key, run: NameList) -> Iterator[tuple[str, ...]]:
    at = run.begin + run.element
    while at < run.end:
        size = _again(key, at, key[run.begin : run.begin + run.element], True)
        yield tuple(part.text for part in key[at : at + size - run.element])
        at += size


def outside(spaces: Sequence[bool], run: NameList | None) -> Iterator[bool]:
    """Yield whether space is before each part of a shape; a list is one part."""
    for n, space in enumerate(spaces):
        if run is None or not run.begin < n < run.end:
            yield space
