"""The columns of a sample of log lines: which values grow, repeat, or stay the same.

A column is what the values of one name, or of one place in a table, have in common over all
shapes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from analysis.logs.recognition.kinds import kinds_of
from analysis.logs.recognition.mined.shapes import FLAGS, Mined, Part, Shape, Value
from vm.records import Kind

#: Marks that divide a line into columns, the likeliest first.
DELIMITERS = (",", ";", "|", "\t")
#: Values of flags that are set.
SET = {"1", "True", "true"}
#: Whole numbers from here on are times since 1970.
MIN_EPOCH = 100_000_000
#: The share of pairs of successive values that fall, in a clock: it starts again, or is wrong.
MAX_FALLING = 0.05
#: So many trials in a file begin anew, in this share of the pairs.
MAX_TRIALS, MAX_FALLING_OF_TRIALS = 4, 0.1
#: The least share of the steps by one in a clock, which jumps at receives.
MIN_STEPS = 0.3
TIME_WORDS = {
    "time",
    "at",
    "ts",
    "timestamp",
    "when",
    "epoch",
    "t",
    "date",
    "wall",
    "sys",
    "clock_s",
}

#: A choice of a slot for each of some shapes.
Slots = Mapping[int, int]


@dataclass(frozen=True)
class Sample:
    """The mined lines of some files that belong to one run."""

    mined: Mined

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self.mined.shapes

    @cached_property
    def order(self) -> list[int]:
        """The shapes, the most frequent first."""
        return sorted(range(len(self.shapes)), key=lambda s: -self.shapes[s].count)

    @cached_property
    def delimiter(self) -> str:
        """The mark that occurs equally often in nearly all lines, or ""."""
        total = sum(shape.count for shape in self.shapes)
        for mark in DELIMITERS:
            counts: Counter[int] = Counter()
            for shape in self.shapes:
                counts[sum(part.text == mark for part in shape.key)] += shape.count
            (most, often), *_ = counts.most_common(1) or [(0, 0)]
            if most >= 2 and often >= 0.9 * total:
                return mark
        return ""

    def column(self, shape: int, slot: int) -> str:
        """Return the name of a value's column: its place between delimiters, or its label."""
        one = self.shapes[shape]
        if not self.delimiter:
            label = one.label(slot)
            return f"{label}.{sum(one.label(n) == label for n in range(slot))}"
        at = one.slots[slot]
        begin = max((n for n in range(at) if one.key[n].text == self.delimiter), default=-1)
        place = sum(one.key[n].text == self.delimiter for n in range(at))
        behind = sum(begin < other < at for other in one.slots)
        return f"{place}.{behind}"

    @cached_property
    def header(self) -> dict[int, str]:
        """The names of columns in the first line, by place."""
        # Shapes are numbered in the order of the lines.
        one = self.shapes[0] if self.shapes else None
        if not self.delimiter or one is None or one.slots:
            return {}
        names, place = dict[int, str](), 0
        for part in one.key:
            if part.text == self.delimiter:
                place += 1
            elif part.kind == "word":
                names[place] = part.text.lower()
        return names

    def name(self, shape: int, slot: int) -> str:
        """Return the word that names a value, in its line or in the first line."""
        one = self.shapes[shape]
        at = one.slots[slot]
        place = sum(one.key[n].text == self.delimiter for n in range(at))
        return self.header.get(place) or one.label(slot)

    def part(self, shape: int, slot: int) -> Part:
        return self.shapes[shape].key[self.shapes[shape].slots[slot]]

    def behind(self, shape: int, slot: int) -> list[str]:
        """Return the words behind a value, up to the next value or the name of one."""
        one = self.shapes[shape]
        words: list[str] = []
        for part in one.key[one.slots[slot] + 1 :]:
            if part.text in ("=", ":"):
                return words[:-1]
            if part.kind != "word":
                break
            words.append(part.text.lower())
        return words

    def kinds(self, shape: int) -> list[Kind]:
        """Return the kinds of events that the words of a shape name."""
        words, labels = self.shapes[shape].named_words
        labels = [label for label in labels if label not in self._common_labels]
        return kinds_of(words, labels) or kinds_of(self._flags(shape))

    def _flags(self, shape: int) -> Iterator[str]:
        """Yield the words of the names of columns in which a shape has a flag that is set."""
        place, names = 0, dict[str, bool]()
        for part in self.shapes[shape].key:
            place += part.text == self.delimiter
            if part.kind == "mark" and part.text in FLAGS:
                names[self.header.get(place, "")] = part.text in SET
        # A number alone is a code: its column says nothing about it.
        for name, is_set in names.items() if len(names) > 1 else ():
            yield from name.split("_") if is_set else ()

    @cached_property
    def _common_labels(self) -> set[str]:
        """The names of fields that are in most lines, and so name no kind of event."""
        counts: Counter[str] = Counter()
        for shape in self.shapes:
            counts.update(dict.fromkeys({*shape.named_words[1]}, shape.count))
        most = sum(shape.count for shape in self.shapes) / 2
        return {label for label, count in counts.items() if count > most}

    def values(self, shape: int, slot: int) -> list[Value]:
        """Return all values of a slot, file by file."""
        return self._values[shape][slot]

    @cached_property
    def _values(self) -> dict[int, list[list[Value]]]:
        found: dict[int, list[list[Value]]] = {
            number: [[] for _ in shape.slots] for number, shape in enumerate(self.shapes)
        }
        for some in self.mined.entries.values():
            for entry in some:
                for values, value in zip(found[entry.shape], entry.values, strict=True):
                    values.append(value)
        return found

    @cached_property
    def _wholes(self) -> dict[tuple[int, int], bool]:
        """By shape and slot, whether all values are whole numbers, perhaps written as 1.0."""
        return {
            (number, slot): not shape.key[at].is_list
            and shape.key[at].kind in ("whole", "decimal")
            and all(map(_is_whole, self.values(number, slot)))
            for number, shape in enumerate(self.shapes)
            for slot, at in enumerate(shape.slots)
        }

    def is_whole(self, shape: int, slot: int) -> bool:
        return self._wholes[shape, slot]

    def numbers(self, slots: Slots) -> Iterator[list[float]]:
        """Yield the values of a choice of slots, by file and in the order of its lines."""
        for some in self.mined.entries.values():
            yield [
                float(str(entry.values[slots[entry.shape]]))
                for entry in some
                if entry.shape in slots
            ]

    def falls(self, slots: Slots) -> int:
        """Return how often a value is less than the one before it in the same file."""
        return sum(
            after < before for numbers in self.numbers(slots) for before, after in pairwise(numbers)
        )

    def grows(self, slots: Slots) -> bool:
        """Return whether the values hardly ever fall, and grow in most files."""
        numbers = [some for some in self.numbers(slots) if len(some) > 1]
        pairs = sum(len(some) - 1 for some in numbers)
        rising = sum(some[-1] > some[0] for some in numbers)
        # Of several trials, each begins anew.
        trials = min(MAX_TRIALS * len(numbers), MAX_FALLING_OF_TRIALS * pairs)
        most = max(MAX_FALLING * pairs, trials)
        return 2 * rising > len(numbers) and self.falls(slots) <= most


def _is_whole(value: Value) -> bool:
    text = str(value)
    head, _, tail = text.partition(".")
    return len(head) <= 19 and not tail.strip("0") and head.lstrip("-").isdigit()


def clocks(sample: Sample, own: Slots, most: int) -> Sequence[Slots]:
    """Return the choices of slots whose values may be the clock, the likeliest first.

    Each begins with a slot of a frequent shape that grows, and takes from each other shape the
    slot of the same column, or else one that does not disturb the growth. The slots in `own` hold
    the machine's name.
    """
    found: list[dict[int, int]] = []
    for anchor in sample.order[:3]:
        for slot in _wholes(sample, anchor, own):
            start = {anchor: slot}
            if sample.grows(start):
                found.append(_extended(sample, start, own))
    different = {tuple(sorted(one.items())): one for one in found}
    ranked = sorted(different.values(), key=lambda one: _rank(sample, one))
    # A clock that never jumps seems to be right, whatever the messages are; so does a line number.
    steps = {id(one): _steps_by_one(sample, one) for one in ranked}
    if any(MIN_STEPS <= share < 1 for share in steps.values()):
        ranked = [one for one in ranked if steps[id(one)] < 1]
    return ranked[:most]


def _steps_by_one(sample: Sample, slots: Slots) -> float:
    """Return the share of the steps from line to line by which values grow by one."""
    steps = [b - a for values in sample.numbers(slots) for a, b in pairwise(values)]
    return sum(step == 1 for step in steps) / max(1, len(steps))


def _rank(sample: Sample, slots: Slots) -> tuple[bool, bool, int]:
    names = {sample.name(shape, slot) for shape, slot in slots.items()}
    clock_like = any(word in name for name in names for word in ("lamp", "clock", "lc", "logic"))
    return (
        not clock_like,
        bool(names & TIME_WORDS),
        -sum(sample.shapes[shape].count for shape in slots),
    )


def _wholes(sample: Sample, shape: int, own: Slots) -> list[int]:
    return [
        slot
        for slot in range(len(sample.shapes[shape].slots))
        if sample.is_whole(shape, slot)
        and own.get(shape) != slot
        and not is_epoch(sample, shape, slot)
    ]


def is_epoch(sample: Sample, shape: int, slot: int) -> bool:
    """Return whether the values are whole times since 1970."""
    return all(float(str(value)) >= MIN_EPOCH for value in sample.values(shape, slot))


def _extended(sample: Sample, start: Slots, own: Slots) -> dict[int, int]:
    chosen = dict(start)
    columns = {sample.column(shape, slot) for shape, slot in start.items()}
    names = {sample.name(shape, slot) for shape, slot in start.items()}
    for shape in sample.order:
        if shape in chosen:
            continue
        count, files = sample.shapes[shape].count, len(sample.shapes[shape].counts)
        # A time in whole seconds is no clock where clocks are written without a point.
        options = [
            n
            for n in _wholes(sample, shape, own)
            if sample.part(shape, n).kind
            in {sample.part(s, slot).kind for s, slot in start.items()}
        ]
        same = [n for n in options if sample.column(shape, n) in columns]
        options.sort(key=lambda n: sample.name(shape, n) not in names)
        others = [n for n in options if n not in same] if same or count > 2 * files else []
        for slot in [*same, *others]:
            more = chosen | {shape: slot}
            if sample.falls(more) - sample.falls(chosen) <= max(1, MAX_FALLING * count):
                chosen[shape] = slot
                break
    return chosen
