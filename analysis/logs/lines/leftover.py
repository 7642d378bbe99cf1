"""Lines in which no event was found: noise, or events that are damaged.

Noise describes no event: a start, a setting, a heartbeat. It has no effect on a verdict. A damaged
line is an event that cannot be read, so its consequences are open. To tell them apart, lines of
one shape are judged together, by two kinds of evidence:

- a line resembles an event if its words and signs are almost those of one, or begin like one;
- the clocks around it show whether an event is missing there: between two events that receive
  nothing, the clock of a machine grows by one step.
"""

import re
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

import polars as pl

from analysis.history.run import TORN, Damage, Noise
from analysis.logs.limits import MAX_REASON_CHARACTERS, MAX_SHAPES
from vm.quoting import escaped, plain, quoted

NO_EVENT = "the expression finds no event here"
#: A variable word: it holds a digit.
TOKEN = re.compile(r"\w*\d[\w.:]*|[^\W\d]+|[^\w\s]")
ANY = "…"
#: The decoder's sign for bytes that are no text, and control characters other than tabs.
UNREADABLE = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: The share of equal tokens from which a line resembles an event, and the fewest tokens.
ALIKE = 0.8
FEWEST = 3
#: The tokens of a line that are compared, and the shapes of events that are kept.
MAX_TOKENS = 60
MAX_EVENT_SHAPES = 60
#: Lines before or behind all events that are compared with those of other files.
MAX_EDGES = 200
#: So many equal steps of a clock show by how much it grows.
MIN_STEPS = 3

#: Whether an event is missing at a line: yes, no, or not known.
Gap = Literal["gap", "none", "open"]
Shape = tuple[str, ...]
#: The lines of events in a file, which of them are receives, and their clocks.
Rows = tuple[list[int], list[bool], list[int]]
NO_ROWS: Rows = ([], [], [])


class Left(NamedTuple):
    """A line in which no event was found. A line `is_ignored` if the description says so."""

    file: str
    line: int
    text: str
    reason: str = NO_EVENT
    is_ignored: bool = False


@dataclass
class OtherLines:
    """Collects the lines without an event, and the shapes of the lines with one.

    `torn` are the last lines without a line end, by file.
    """

    torn: dict[str, int] = field(default_factory=dict)
    damage: list[Damage] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    _events: set[Shape] = field(default_factory=set)
    _unknown: list[tuple[Left, int | None]] = field(default_factory=list)

    def refuse(self, file: str, line: int, reason: str) -> None:
        """Take in a line that is an event, and cannot be read."""
        torn = f"{TORN}: " if line == self.torn.get(file) else ""
        self.damage.append(Damage(file, line, plain(f"{torn}{reason}", MAX_REASON_CHARACTERS)))

    def add(self, other: "OtherLines") -> None:
        """Take in all lines of another part of the logs."""
        self.damage += other.damage
        self.left += other.left
        self._unknown += other._unknown

    @property
    def refused(self) -> list[Damage]:
        """The lines that have the parts of an event, and are none that can be read."""
        return [*self.damage, *(self._damage(one) for one, _ in self._unknown)]

    def unknown(self, file: str, line: int, kind: str, clock: int | None) -> None:
        """Take in a line with the parts of an event, whose kind is no known one."""
        reason = f"{quoted(kind)} is no kind of event that is known"
        self._unknown.append((Left(file, line, kind, reason), clock))

    def is_event(self, text: str) -> None:
        """Take in a line that describes an event, as an example of its shape."""
        if len(self._events) < MAX_EVENT_SHAPES:
            self._events.add(shape_of(text))

    def judged(self, events: pl.DataFrame) -> tuple[tuple[Noise, ...], tuple[Damage, ...]]:
        """Return the lines without an event as noise and as damage.

        `events` has the columns machine, file, line, kind and clock, in the order of the logs.
        """
        gaps = _Gaps(events)
        edges = {*self._edges(gaps)}
        groups = defaultdict[Shape, list[Left]](list)
        for one in self.left:
            groups[shape_of(one.text)].append(one)
        noise, damage = list[tuple[Shape, list[Left]]](), [*self.damage]
        for shape, group in groups.items():
            lost = dict.fromkeys(self._lost(shape, group, gaps, edges))
            damage += (self._damage(one) for one in lost)
            if rest := [one for one in group if one not in lost]:
                noise.append((shape, rest))
        for one, clock in self._unknown:
            if clock is None or gaps.stands(one.file, one.line, clock):
                noise.append((shape_of(one.text), [one]))
            else:
                damage.append(self._damage(one))
        damage.sort(key=lambda one: (one.file, one.line))
        return tuple(_noise(noise)), tuple(damage)

    def _edges(self, gaps: "_Gaps") -> Iterator[Left]:
        """Yield the lines that begin or end several logs alike: records of a start or a stop."""
        for is_edge in (gaps.is_start, gaps.is_end):
            shapes = [
                (one, shape_of(one.text)) for one in self.left if is_edge(one.file, one.line)
            ][:MAX_EDGES]
            for one, shape in shapes:
                if any(other.file != one.file and _alike(shape, its) for other, its in shapes):
                    yield one

    def _lost(
        self, shape: Shape, group: list[Left], gaps: "_Gaps", edges: set[Left]
    ) -> Iterator[Left]:
        """Yield the lines of one shape that seem to be damaged events."""
        known = [gaps.at(one.file, one.line) for one in group]
        resembles = self._resembles(shape)
        # A shape that occurs where surely no event is missing is one of noise.
        harmless = len(group) > 1 and "none" in known and "gap" not in known
        harmless |= edges.issuperset(group)
        for one, gap in zip(group, known, strict=True):
            is_last = one.line == self.torn.get(one.file)
            if one.is_ignored:
                continue
            if (
                UNREADABLE.search(one.text)
                or (is_last and self._begins(shape))
                or (resembles and not harmless and not (gap == "none" and len(group) > 1))
                or (not resembles and {*known} == {"gap"})
            ):
                yield one

    def _damage(self, one: Left) -> Damage:
        torn = f"{TORN}: " if one.line == self.torn.get(one.file) else ""
        return Damage(one.file, one.line, plain(f"{torn}{one.reason}", MAX_REASON_CHARACTERS))

    def _resembles(self, shape: Shape) -> bool:
        if len(shape) < FEWEST:
            return False
        return self._begins(shape) or any(
            SequenceMatcher(None, shape, event, autojunk=False).ratio() >= ALIKE
            for event in self._events
            if min(len(shape), len(event)) >= ALIKE / 2 * max(len(shape), len(event))
        )

    def _begins(self, shape: Shape) -> bool:
        """Return whether a line begins like an event, whose last token is cut."""
        known = shape[:-1]
        return any(
            len(shape) <= len(event) and event[: len(known)] == known
            for event in self._events
            if known or shape == event[:1]
        )


class _Gaps:
    """The events of each file, to find out whether one is missing between two of them."""

    def __init__(self, events: pl.DataFrame) -> None:
        self._rows: dict[str, Rows] = {}
        steps = Counter[int]()
        for (file,), some in events.group_by("file", maintain_order=True):
            if some["machine"].n_unique() > 1:
                # The events of several machines alternate, so neighbours show nothing.
                continue
            rows = some.sort("line").select("line", "clock", received=pl.col("kind") == "receive")
            lines, received, clocks = (
                rows[name].to_list() for name in ("line", "received", "clock")
            )
            self._rows[str(file)] = lines, received, clocks
            follows = ~(pl.col("received") | pl.col("received").shift(1, fill_value=True))
            grown = rows.select(step=pl.col("clock").diff().filter(follows))
            counts = grown.group_by("step", maintain_order=True).len()
            steps.update(dict(counts.iter_rows()))
        (step, times), *_ = steps.most_common(1) or [(1, 0)]
        self._step = step if times >= MIN_STEPS else 1

    def stands(self, file: str, line: int, clock: int) -> bool:
        """Return whether a line only repeats a clock, as of the event before or from the start."""
        lines, _, clocks = self._rows.get(file, NO_ROWS)
        before = bisect(lines, line) - 1
        return clock == (clocks[before] if before >= 0 else 0)

    def is_start(self, file: str, line: int) -> bool:
        """Return whether a line is before all events of a file."""
        lines, *_ = self._rows.get(file, NO_ROWS)
        return bool(lines) and line < lines[0]

    def is_end(self, file: str, line: int) -> bool:
        """Return whether a line is behind all events of a file."""
        lines, *_ = self._rows.get(file, NO_ROWS)
        return bool(lines) and line > lines[-1]

    def at(self, file: str, line: int) -> Gap:
        """Return whether an event is missing between the events before and after a line."""
        lines, received, clocks = self._rows.get(file, NO_ROWS)
        next_ = bisect(lines, line)
        if next_ == len(lines) or received[next_]:
            return "open"
        clock = clocks[next_]
        if not next_:
            return "none" if clock <= self._step else "open"
        was_receive, before = received[next_ - 1], clocks[next_ - 1]
        if before <= clock <= before + self._step:
            return "none"
        return "gap" if not was_receive and clock > before + self._step else "open"


def _alike(one: Shape, other: Shape) -> bool:
    """Return whether shapes differ in one word at most, as in a name."""
    if len(one) != len(other):
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) <= 1


def shape_of(text: str) -> Shape:
    """Return the tokens of a line, with `…` for those that hold a digit."""
    tokens = TOKEN.findall(text)[:MAX_TOKENS]
    return tuple(ANY if any(map(str.isdigit, token)) else token for token in tokens)


def _noise(groups: Sequence[tuple[Shape, list[Left]]]) -> Iterator[Noise]:
    """Yield the noise by shape, the most frequent first."""
    by_count = sorted(_merged(groups), key=lambda one: -len(one[1]))
    for _, group in by_count[:MAX_SHAPES]:
        first = min(group, key=lambda one: (one.file, one.line))
        yield Noise(len(group), _common(group), first.file, first.line)
    if rest := [one for _, group in by_count[MAX_SHAPES:] for one in group]:
        yield Noise(len(rest), "", rest[0].file, rest[0].line)


def _merged(groups: Sequence[tuple[Shape, list[Left]]]) -> list[tuple[Shape, list[Left]]]:
    """Return the groups with those together that differ in one word, as in a name."""
    merged: list[tuple[Shape, list[Left]]] = []
    by_rest: dict[tuple[Shape, Shape], int] = {}
    for shape, group in groups:
        rests = [(shape[:at], shape[at + 1 :]) for at in range(len(shape))]
        near = next((by_rest[rest] for rest in rests if rest in by_rest), None)
        if near is not None and len(shape) >= FEWEST:
            merged[near] = merged[near][0], [*merged[near][1], *group]
            continue
        by_rest |= dict.fromkeys(rests, len(merged))
        merged.append((shape, [*group]))
    return merged


def _common(group: Iterable[Left]) -> str:
    """Return the text of lines of one shape, with `…` for the words in which they differ."""
    texts = {one.text.strip() for one in group}
    if len(texts) == 1:
        return plain(escaped(texts.pop()))
    words = [text.split() for text in texts]
    if {*map(len, words)} == {1} or len({*map(len, words)}) > 1:
        return plain(escaped(min(texts)))
    return plain(" ".join(one if len({*some}) == 1 else ANY for one, *some in _columns(words)))


def _columns(words: list[list[str]]) -> Iterator[list[str]]:
    """Yield for each place its first word, followed by all of them."""
    yield from ([column[0], *column] for column in zip(*words, strict=True))
