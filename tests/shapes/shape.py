"""The grammar of shapes: all in which the logs of two submissions differ, drawn at random."""

from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from shapes import words

T = TypeVar("T")
KINDS = ("internal", "send", "receive")
LAYOUTS = ("text", "text", "text", "labelled", "pairs", "json", "csv", "csv", "records")
TIMES = (
    *("epoch", "epoch", "epoch ms", "epoch ns", "iso", "iso z", "date and time", "time of day"),
    *("seconds", "whole time", "whole date", "since start", "logging", "root", "slashes", ""),
)
#: How receivers are written: names, or words for all of them.
ALL_NAMED, ALL_WORD, PLACES, IN_LIST, PORTS, CODES, UNNAMED = (
    *("names", "a word for all", "places", "places in a list of peers", "ports", "codes"),
    "not at all",
)


@dataclass
class Shape:
    """How a lab is logged. The conventions are those of analysis/logs/labs/README.md.

    `labels` are what stands around a value in lines of text, `keys` the names of fields elsewhere.
    `words` holds the words of each kind, `broadcast` that of a send to all others if it has one.
    """

    layout: str
    order: list[str]
    separator: str
    labels: dict[str, str]
    keys: dict[str, str]
    words: dict[str, list[str]]
    broadcast: str
    time: str
    names: list[str]
    peers: list[str]
    files: list[str]
    one_file: bool
    me: bool
    receivers: str
    together: str
    listing: tuple[str, str, str]
    places: tuple[str, str]
    sender: bool
    stamp: str  # "", "receives" or "sends and receives"
    queue: str  # "after", "before" or ""
    queue_everywhere: bool
    clock: str  # "after", "before" or "mixed": before, but after in receives
    initial: int
    lag: int
    multicast: str  # "one line", "lines" with the same clock, or "split" in several sends
    trials: int
    parting: str | None
    missing: int  # the machine without a log, or -1
    mute: bool  # no words for kinds
    head: list[str]
    tail: list[str]
    beat: str
    beat_every: int
    beside: list[str]
    blank: str
    front: str  # of the time of Python's logging, or without a time
    distractor: str  # a field that means nothing here: "number", "roll", "rate" or ""
    extra: dict[str, bool] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """What failures are grouped by."""
        stamped = f"stamp on {self.stamp}" if self.stamp else "no stamp"
        queue = f"queue {self.queue}" if self.queue else "no queue"
        return [
            *(
                f"layout {self.layout}",
                f"time {self.time or 'none'}",
                f"receivers {self.receivers}",
            ),
            *(stamped, queue, f"clock {self.clock}", f"initial {self.initial}", f"lag {self.lag}"),
            *("sender" if self.sender else "no sender", f"multicast in {self.multicast}"),
            *(f"{len(self.names)} machines", f"trials {self.trials}", f"names {self.names[0]}"),
            *("one file" if self.one_file else "a file each", "me" if self.me else "no me"),
            *(["a log is missing"] if self.missing >= 0 else []),
            *(["same peers" if self.peers == self.names else "other peers"]),
            *(["mute"] if self.mute else []),
            *([f"distracting {self.distractor}"] if self.distractor else []),
            *(f"with {name}" for name, on in self.extra.items() if on),
        ]


def pick(random: Random, among: "tuple[T, ...] | list[T]") -> T:
    return among[int(random.random() * len(among))]


def chance(random: Random, share: float) -> bool:
    return random.random() < share


def drawn(random: Random) -> Shape:
    """Draw a shape."""
    layout, count = pick(random, LAYOUTS), pick(random, [2, *[3] * 14, 4, 4, 4, 5, 5])
    names, peers = _names(random, count)
    one_file = chance(random, 0.12)
    mute = chance(random, 0.02)
    receivers = _receivers(random, count, names)
    kinds = pick(random, words.KINDS)
    sender, stamp = (
        chance(random, 0.5),
        pick(random, ["", "", "", "receives", *["sends and receives"] * 2]),
    )
    multicast = pick(random, [*["one line"] * 6, "lines", "lines", "split"])
    if receivers in (UNNAMED, CODES):
        multicast = "one line"
    if mute:
        receivers, sender, stamp = UNNAMED, False, ""
    shape = Shape(
        layout=layout,
        order=_order(random, layout),
        separator=pick(random, words.DELIMITERS if layout == "csv" else words.SEPARATORS),
        labels={name: pick(random, around) for name, around in words.AROUND.items()},
        keys=_keys(random),
        words={kind: text.split("|") for kind, text in zip(KINDS, kinds, strict=True)},
        broadcast=_broadcast(random, kinds) if multicast == "one line" else "",
        time=pick(random, TIMES),
        names=names,
        peers=peers,
        files=[],
        one_file=one_file,
        me=one_file or chance(random, 0.35),
        receivers=receivers,
        together=pick(random, [*words.ALL, *words.BOTH] if count == 3 else words.ALL),
        listing=pick(random, words.LISTS),
        places=pick(random, words.LEFT_RIGHT),
        sender=sender,
        stamp=stamp,
        queue=pick(random, ["after", "after", "after", "before", ""]),
        queue_everywhere=chance(random, 0.15),
        clock=pick(random, [*["after"] * 8, "before", "mixed"]),
        initial=int(chance(random, 0.2)),
        lag=int(chance(random, 0.15)),
        multicast=multicast,
        trials=pick(random, [*[1] * 14, 2, 3]),
        parting=pick(random, words.BREAKS),
        missing=-1,
        mute=mute,
        head=[pick(random, words.HEADS) for _ in range(pick(random, [0, 0, 1, 1, 2, 4]))],
        tail=[pick(random, words.TAILS) for _ in range(pick(random, [0, 0, 1]))],
        beat=pick(random, words.BEATS),
        beat_every=pick(random, [0, 0, 0, 0, 7, 20, 50]),
        beside=[name for name in words.BESIDE if chance(random, 0.08)],
        blank=pick(random, ["", "", "-", "none", "N/A"]),
        front="",
        distractor=pick(random, ["number", "roll", "rate"]) if chance(random, 0.2) else "",
    )  # fmt: skip
    if count > 2 and chance(random, 0.05) and receivers == ALL_NAMED and not one_file:
        shape.missing = int(random.random() * count)
    shape.front = pick(random, words.ROOTS if shape.time == "root" else words.FRONTS)
    shape.extra = _extra(random, shape)
    shape.files = _files(random, shape)
    return _consistent(shape)


def _consistent(shape: Shape) -> Shape:
    """Remove what cannot be read even by a person, or cannot be written."""
    parting, between = shape.separator.strip(), shape.listing[1].strip()
    if parting and parting in between and not shape.listing[0]:
        shape.listing = ("", " and ", "")
    bare = [
        name
        for name in ("clock", "queue", "stamp", "to", "sender", "me")
        if shape.labels[name] == "{}"
    ]
    for name in bare[1:]:
        shape.labels[name] = words.AROUND[name][0]
    if shape.clock != "after" and shape.queue == "before":
        shape.queue = "after"
    if shape.layout in ("json", "csv", "records"):
        shape.head = [line for line in shape.head if line] if shape.layout == "records" else []
        shape.tail, shape.beat_every = [], 0
    if shape.parting is None and (shape.one_file or shape.lag or shape.clock != "after"):
        # Where a trial ends is then seen from the clocks of one machine only.
        shape.parting = "=====" if shape.layout != "json" else ""
    if shape.layout in ("json", "csv"):
        shape.parting = None
        shape.trials = 1 if shape.one_file else shape.trials
    return shape


def _names(random: Random, count: int) -> tuple[list[str], list[str]]:
    """Draw the names of machines, and what lines call them."""
    if chance(random, 0.65):
        front, first, step = pick(random, words.NUMBERED)
        numbers = [str(first + step * n) for n in range(count)]
        names = [front + number for number in numbers]
        if chance(random, 0.25):
            called = pick(random, words.BY_PORT if first > 1000 else words.CALLED)
            return names, [called.format(number) for number in numbers]
        return names, names
    names = [*pick(random, words.NAMES)][:count]
    return names, names


def _receivers(random: Random, count: int, names: list[str]) -> str:
    drawn = pick(
        random,
        [*[ALL_NAMED] * 10, *[ALL_WORD] * 5, PLACES, IN_LIST, PORTS, CODES, UNNAMED, UNNAMED],
    )
    if (drawn in (PLACES, CODES) and count != 3) or (drawn == PORTS and not names[0].isdigit()):
        return ALL_NAMED
    return ALL_NAMED if count == 2 and drawn == IN_LIST else drawn


def _order(random: Random, layout: str) -> list[str]:
    """Draw the order of fields; in text, the peer follows its verb, and times are mostly first."""
    rest = ["kind", "clock", "queue", "stamp", "me", "old", "number", "roll", "rate"]
    random.shuffle(rest)
    rest.insert(int(random.random() * 2) * len(rest), "time")
    if chance(random, 0.15):
        rest.remove("time")
        rest.insert(int(random.random() * 6), "time")
    where = rest.index("kind") + 1 if chance(random, 0.7) or layout == "text" else len(rest)
    return [*rest[:where], "to", "sender", *rest[where:]]


def _keys(random: Random) -> dict[str, str]:
    """Draw names of fields, each once; receivers and sender may share the name `peer`."""
    keys = dict[str, str]()
    for name, among in words.KEYS.items():
        free = [key for key in among if key not in keys.values() or key == "peer"]
        keys[name] = pick(random, free)
    return keys


def _broadcast(random: Random, kinds: tuple[str, ...]) -> str:
    taken = {word.lower() for kind in kinds for word in kind.split("|")}
    free = [word for word in words.BROADCASTS if word.lower() not in taken]
    return pick(random, free) if chance(random, 0.3) else ""


def _extra(random: Random, shape: Shape) -> dict[str, bool]:
    """Draw the rarer habits of writers."""
    return {
        "header": shape.layout == "csv" and chance(random, 0.6),
        "quotes": shape.layout == "csv" and chance(random, 0.2),
        "floats": shape.layout == "csv" and chance(random, 0.1),
        "row numbers": shape.layout == "csv" and chance(random, 0.1),
        "peers in one column": shape.layout == "csv" and chance(random, 0.4),
        "numbers as text": shape.layout == "json" and chance(random, 0.1),
        "nested data": shape.layout == "json" and chance(random, 0.1),
        "an array": shape.layout == "json" and chance(random, 0.12),
        "lists as lists": shape.layout == "json" and chance(random, 0.7),
        "blank lines": shape.layout in ("text", "labelled", "pairs") and chance(random, 0.05),
        "a field in place of absent ones": shape.layout != "text" and chance(random, 0.3),
        "full stop": shape.layout == "text" and chance(random, 0.07),
        "an opening record": not (shape.initial or shape.mute) and chance(random, 0.12),
        # Where clocks are logged before events, it would look like one more event.
        "a closing record": shape.clock == "after" and not shape.mute and chance(random, 0.1),
        "both clocks": shape.clock == "after" and not shape.mute and chance(random, 0.07),
        "two times": bool(shape.time) and shape.layout == "text" and chance(random, 0.05),
    }


def _files(random: Random, shape: Shape) -> list[str]:
    if shape.one_file:
        return [pick(random, words.TOGETHER)] * len(shape.names)
    if shape.me and chance(random, 0.2):
        return [*words.ANY_FILES][: len(shape.names)]
    among = {"csv": words.TABLES, "json": words.OBJECTS}.get(shape.layout, words.FILES)
    pattern = pick(random, among)
    return [pattern.format(name) for name in shape.names]
