"""Shapes of log lines, mined from a sample: literal words and marks around values.

A shape with a list of names (`to B and C`) and the same shape with one name (`to B`) are one.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from analysis.logs.recognition.mined.tokens import VALUES, Class

#: Words between the name of a value and the value: the clock is now 5.
COPULAS = {"is", "was", "are", "now", "of", "the", "a", "value", "equals", "reads", "became"}
QUOTES = ("'", '"')
UNITS = {"s", "ms", "us", "ns", "sec", "secs", "seconds", "Hz", "hz"}

#: Values of flags.
FLAGS = {"0", "1", "True", "False", "true", "false"}
Value = str | tuple[str, ...]


class Part(NamedTuple):
    """A part of a shape: a literal text, a value, or a list of elements.

    `kind` is the class of the value, or of the value in each element; `text` is the literal.
    `element` is the parts of one element of a list, `separators` all that stand between them.
    """

    kind: Class
    text: str = ""
    element: tuple["Part", ...] = ()

    @property
    def is_value(self) -> bool:
        return self.kind in VALUES

    @property
    def is_list(self) -> bool:
        return bool(self.element)


Key = tuple[Part, ...]


class Entry(NamedTuple):
    """A line or record: the number of its first line, its shape, its values by slot."""

    line: int
    shape: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Shape:
    """The parts of alike lines, and how often they occur, by file."""

    key: Key
    counts: Counter[str] = field(hash=False, compare=False)
    #: The separators found in its lists.
    separators: frozenset[tuple[str, ...]] = frozenset()
    #: Before each part, whether there was space in some lines, and in all of them.
    spaces: tuple[frozenset[bool], ...] = field(default=(), compare=False)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def slots(self) -> list[int]:
        """The positions of values in the key."""
        return [n for n, part in enumerate(self.key) if part.is_value]

    @cached_property
    def words(self) -> list[str]:
        """The literal words, in lower case, without units of numbers."""
        before = (None, *self.key)
        return [
            part.text.lower()
            for last, part in zip(before, self.key, strict=False)
            if part.kind == "word" and not (last and last.is_value and part.text in UNITS)
        ]

    @cached_property
    def named_words(self) -> tuple[list[str], list[str]]:
        """The words that are not names of fields, and those that are, as `op` in `op=send`."""
        texts = [part.text for part in self.key]
        labels = {
            part.text.lower()
            for n, part in enumerate(self.key, 1)
            if part.kind == "word" and _are_after_a_name(texts[n : n + 3])
        }
        plain = [word for word in self.words if word not in labels]
        return plain, [word for word in self.words if word in labels]

    @cached_property
    def texts(self) -> set[str]:
        """The literal words in lower case, and the marks but those that begin a line."""
        before = (None, *self.key)
        return {
            part.text.lower()
            for last, part in zip(before, self.key, strict=False)
            if (part.text and last and last.text != "\n") or part.kind == "word"
        }

    @cached_property
    def places(self) -> set[str]:
        """The words that may stand for a machine: no names of fields, as `3 left` or `left: 3`."""
        before = (None, *self.key)
        counted = {
            part.text.lower()
            for last, part in zip(before, self.key, strict=False)
            if last and last.kind == "whole"
        }
        return {*self.named_words[0]} - counted

    def label(self, slot: int) -> str:
        """Return what names a value: the last word before it, the next behind it, or a mark."""
        at = self.slots[slot]
        begin = self.slots[slot - 1] + 1 if slot else 0
        if at and self.key[at - 1].text == "#":
            return "#"
        if (
            at - begin > 1
            and self.key[at - 1].text.lower() in COPULAS
            and _divides(self.key[at - 2])
        ):
            return self.key[at - 1].text.lower()
        before = [part.text.lower() for part in self.key[begin:at] if part.kind == "word"]
        named = [word for word in before if word not in COPULAS] or before
        if named:
            return named[-1]
        behind = self.key[at + 1 : at + 2]
        texts = [part.text for part in self.key[at + 2 : at + 5]]
        # In `4 lamport=5` the word names the next value.
        if behind and behind[0].kind == "word" and not _are_after_a_name(texts):
            return behind[0].text.lower()
        return "".join(part.text for part in self.key[max(begin, at - 1) : at])


def _divides(part: Part) -> bool:
    """Return whether a mark divides fields: the word behind it begins one, as `(was 5)`."""
    return part.kind == "mark" and part.text not in ("=", ":", *QUOTES)


def _are_after_a_name(texts: Sequence[str]) -> bool:
    """Return whether texts begin with a mark behind the name of a field; `::` divides fields."""
    mark, behind, *_ = [*texts[bool(texts) and texts[0] in QUOTES :], "", ""]
    return mark == "=" or (mark == ":" and behind != ":")


@dataclass(frozen=True)
class Mined:
    """The shapes of some files, and the entries of each file in order."""

    shapes: tuple[Shape, ...]
    entries: dict[str, list[Entry]]
    is_coded: bool = False

    def of(self, files: Collection[str]) -> "Mined":
        """Return the shapes and entries of some of the files; shapes keep their numbers."""
        shapes = tuple(
            replace(shape, counts=Counter({f: n for f, n in shape.counts.items() if f in files}))
            for shape in self.shapes
        )
        return Mined(shapes, {file: self.entries[file] for file in files}, self.is_coded)
