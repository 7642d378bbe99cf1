"""The shapes of the lines of some files, mined from all of them together."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.logs.recognition.mined.lists import gathered, lists, outside
from analysis.logs.recognition.mined.shapes import FLAGS, Entry, Key, Mined, Part, Shape, Value
from analysis.logs.recognition.mined.tokens import VALUES, Token, tokens

#: A word position with more different words than this is no part of a shape.
MAX_WORDS = 12
#: More tokens of a line are not looked at: longer lines are prose or data.
MAX_TOKENS = 120
#: A value with more different texts than this is no name.
MAX_NAMES = 16
#: A number with more different values stands for no kind of event.
MAX_CODES = 5


class Code(NamedTuple):
    """Values that stand for the kind of event: their shape, and their positions in the key."""

    key: Key
    positions: tuple[int, ...]


def mine(
    lines: Mapping[str, Sequence[tuple[int, str]]],
    names: Collection[str],
    code: Code | None = None,
) -> Mined:
    """Return the shapes of the lines (number, text) of each file.

    `names` are words that are known to be machines; a `code` is part of its shape.
    """
    cut = {
        file: [(number, _parts(text, names)) for number, text in some]
        for file, some in lines.items()
    }
    wild = _wild({one.key for some in cut.values() for _, one in some})
    cut = {file: [(n, _as_wild(one, wild)) for n, one in some] for file, some in cut.items()}
    if code:
        cut = {file: [(n, _as_literal(one, code)) for n, one in some] for file, some in cut.items()}
    few = _few(one for some in cut.values() for _, one in some)
    merged = lists(few, few)
    found: dict[Key, int] = {}
    by_file: dict[int, Counter[str]] = defaultdict(Counter)
    separators: dict[int, set[tuple[str, ...]]] = defaultdict(set)
    spaces: dict[int, list[set[bool]]] = {}
    entries: dict[str, list[Entry]] = {}
    for file, some in cut.items():
        entries[file] = []
        for number, one in some:
            key, values, between = gathered(one.key, one.texts, merged)
            shape = found.setdefault(key, len(found))
            there = spaces.setdefault(shape, [set() for _ in key])
            for seen, space in zip(there, outside(one.spaces, merged.get(one.key)), strict=True):
                seen.add(space)
            by_file[shape][file] += 1
            separators[shape] |= between
            entries[file].append(Entry(number, shape, values))
    shapes = tuple(
        Shape(
            key,
            by_file[number],
            frozenset(separators[number]),
            tuple(map(frozenset, spaces[number])),
        )
        for key, number in found.items()
    )
    return Mined(shapes, entries, is_coded=code is not None)


class Cut(NamedTuple):
    """A line in parts: its key, and by part the text, and whether space comes before it."""

    key: Key
    texts: tuple[str, ...]
    spaces: tuple[bool, ...]


def _parts(text: str, names: Collection[str]) -> Cut:
    some = list(_first(tokens(text, names), MAX_TOKENS))
    key = tuple(Part(one.kind, "" if one.kind in VALUES else one.text) for one in some)
    ends = (0, *(one.end for one in some))
    spaces = tuple(one.begin > end for one, end in zip(some, ends, strict=False))
    return Cut(key, tuple(one.text for one in some), spaces)


def _first(some: Iterable[Token], most: int) -> Iterator[Token]:
    for number, one in enumerate(some):
        if number == most:
            return
        yield one


# --- words that are no part of a shape ---


def _skeleton(key: Key) -> Key:
    return tuple(Part("word") if part.kind == "word" else part for part in key)


def _wild(keys: Iterable[Key]) -> dict[Key, frozenset[int]]:
    """Return by skeleton the positions of words that differ too much to belong to a shape."""
    words: dict[Key, list[set[str]]] = {}
    for key in keys:
        skeleton = _skeleton(key)
        seen = words.setdefault(skeleton, [set() for _ in key])
        for position, part in enumerate(key):
            if part.kind == "word":
                seen[position].add(part.text)
    wild = {
        skeleton: frozenset(n for n, texts in enumerate(seen) if len(texts) > MAX_WORDS)
        for skeleton, seen in words.items()
    }
    return {skeleton: positions for skeleton, positions in wild.items() if positions}


def _as_wild(one: Cut, wild: dict[Key, frozenset[int]]) -> Cut:
    if not wild or not (positions := wild.get(_skeleton(one.key))):
        return one
    key = tuple(Part("name") if n in positions else part for n, part in enumerate(one.key))
    return one._replace(key=key)


def _as_literal(one: Cut, code: Code) -> Cut:
    if one.key != code.key:
        return one
    key = tuple(
        Part("mark", one.texts[n]) if n in code.positions else part
        for n, part in enumerate(one.key)
    )
    return one._replace(key=key)


def codes(mined: Mined) -> Iterator[Code]:
    """Yield the values of the most frequent shape that may stand for the kind of event.

    Flags are first, all together: `1,0,0` is of one kind, `0,1,0` of another.
    """
    most = max(range(len(mined.shapes)), key=lambda n: mined.shapes[n].count, default=None)
    if most is None:
        return
    shape = mined.shapes[most]
    entries = [e for some in mined.entries.values() for e in some if e.shape == most]
    few = dict[int, set[Value]]()
    for slot, position in enumerate(shape.slots):
        part = shape.key[position]
        values = {entry.values[slot] for entry in entries}
        if (
            part.kind in ("whole", "name")
            and not part.is_list
            and 2 <= len(values) <= MAX_CODES
            and _varies(mined, most, slot)
        ):
            few[position] = values
    flags = tuple(position for position, values in few.items() if {*map(str, values)} <= FLAGS)
    if len(flags) > 1:
        yield Code(shape.key, flags)
    yield from (Code(shape.key, (position,)) for position in few)


def _varies(mined: Mined, shape: int, slot: int) -> bool:
    """Return whether a value varies in a file: a name of its machine does not."""
    return any(
        len({entry.values[slot] for entry in some if entry.shape == shape}) > 1
        for some in mined.entries.values()
    )


def _few(lines: Iterable[Cut]) -> dict[Key, frozenset[int]]:
    """Return by key the positions of parts with few different texts."""
    seen: dict[Key, list[set[str]]] = {}
    for key, texts, _ in lines:
        for some, text in zip(seen.setdefault(key, [set() for _ in key]), texts, strict=True):
            if len(some) <= MAX_NAMES:
                some.add(text)
    return {
        key: frozenset(n for n, texts in enumerate(some) if len(texts) <= MAX_NAMES)
        for key, some in seen.items()
    }
