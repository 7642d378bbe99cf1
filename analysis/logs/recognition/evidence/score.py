"""How well a reading explains the clocks of a sample: which receives follow from which sends."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import log2
from typing import Literal, NamedTuple

from vm.records import Kind

#: When a clock is logged: after each event, before each event, or "mixed", after a receive and
#: before other events; or "turned", before a receive and after other events.
Logged = Literal["after", "before", "mixed", "turned"]
LOGGED: tuple[Logged, ...] = ("after", "before", "mixed")
#: What an event costs that a reading does not explain.
MISFIT_BITS, EXCESS_BITS = 8, 4
#: What a receive costs without a send if receivers are named that have no log.
UNLOGGED_BITS = 1
#: A clock that starts again reads at most this fraction of the reading before it.
LOW = 4


class Seen(NamedTuple):
    """An event as a reading sees it; `to` and `sender` are None if unknown.

    `clock` is the value in the log, `stamp` that of the message.
    """

    kind: Kind
    clock: int
    to: tuple[str, ...] | None = None
    sender: str | None = None
    stamp: int | None = None


class Way(NamedTuple):
    """How a machine receives: what it adds to the larger clock, how far stamps are behind their
    send, and whether it takes stamps over when messages arrive; `bits` is what this costs."""

    added: int
    lag: int
    bits: int
    on_arrival: bool = False


#: The first is Lamport's; a log with a common mistake is the log of a lab, too.
WAYS = (
    Way(1, 0, 0),
    Way(0, 1, 2),
    Way(0, 0, 4),
    Way(2, 0, 4),
    Way(1, 0, 6, on_arrival=True),
)
#: What a step of the clock is worth that follows from a logged stamp.
STEP_BITS = 0.5
#: What a machine costs whose clock begins at another value than those of others.
START_BITS = 2
#: What a jump costs that a message explains which is received later: any event may have one.
ARRIVAL_BITS = 3


class Score(NamedTuple):
    """Counts over all events, added up in `total`: more is better.

    `explained` are receives whose clock or stamp is that of a send that could be theirs, and
    `unexplained` those with none; `bits` is how unlikely chance explains as many. `odd` are clocks
    that follow from no rule, `left` are messages that nothing receives, `surplus` how many more
    sends than receives there are, `excess` receives of more than was sent, `selfish` sends to
    oneself, `foreign` those to machines without a log; `followed` are clocks of sends and internal
    events that follow from the event before. It `is_addressed` if all sends name their receivers.
    """

    explained: int = 0
    unexplained: int = 0
    bits: float = 0
    odd: int = 0
    left: int = 0
    excess: int = 0
    selfish: int = 0
    foreign: int = 0
    followed: int = 0
    surplus: int = 0
    is_addressed: bool = False

    def plus(self, other: "Score") -> "Score":
        return Score(
            explained=self.explained + other.explained,
            unexplained=self.unexplained + other.unexplained,
            bits=self.bits + other.bits,
            odd=self.odd + other.odd,
            left=self.left + other.left,
            excess=self.excess + other.excess,
            selfish=self.selfish + other.selfish,
            foreign=self.foreign + other.foreign,
            followed=self.followed + other.followed,
            surplus=self.surplus + other.surplus,
            is_addressed=self.is_addressed and other.is_addressed,
        )

    @property
    def misfits(self) -> int:
        return self.unexplained + self.odd + self.excess + self.selfish

    @property
    def is_quiet(self) -> bool:
        """Whether nothing speaks against the reading, and all sends name their receivers."""
        return self.is_addressed and not self.misfits

    @property
    def is_linked(self) -> bool:
        """Whether nearly all receives follow from sends beyond chance, if some clocks are wrong."""
        are_explained = self.bits > SURE_BITS and self.explained > 9 * self.unexplained
        return are_explained and self.followed > 3 * self.odd and not self.excess + self.selfish

    @property
    def total(self) -> float:
        wrong = self.odd + self.selfish
        beyond = (
            EXCESS_BITS * self.excess + 0.3 * self.foreign + 0.05 * self.left + 0.1 * self.surplus
        )
        # A machine without a log sends messages, too.
        lost = UNLOGGED_BITS if self.foreign and self.is_addressed else MISFIT_BITS
        return self.bits - MISFIT_BITS * wrong - lost * self.unexplained - beyond


#: What no reading reaches by chance.
SURE_BITS = 100
#: So many multicasts show that each advances the clock once for each receiver.
MANY_MULTICASTS = 5


def timestamps(events: Sequence[Seen], logged: Logged) -> list[tuple[int, int]]:
    """Return the clock before and after each event of one machine."""
    if not events:
        return []
    own = [event.clock for event in events]
    # Of the first event nothing before it is known.
    first = own[0] - 1
    match logged:
        case "after":
            return list(zip([first, *own[:-1]], own, strict=True))
        case "before":
            return list(zip(own, [*own[1:], own[-1] + 1], strict=True))
        case "turned":
            before = [e.clock - (e.kind != "receive") for e in events]
            return list(zip(before, [*before[1:], before[-1] + 1], strict=True))
    after = [e.clock + (e.kind != "receive") for e in events]
    return list(zip([first, *after[:-1]], after, strict=True))


def clocks_after(events: Sequence[Seen], logged: Logged) -> list[int]:
    """Return the clock after each line of one machine; those of one multicast have one clock."""
    after = [clock for _, clock in timestamps(events, logged)]
    for n in range(len(after) - 2, -1, -1):
        one, following = events[n], events[n + 1]
        if one.kind == following.kind == "send" and one.clock == following.clock:
            after[n] = after[n + 1]
    return after


def trials(events: Mapping[str, Sequence[Seen]]) -> list[Mapping[str, Sequence[Seen]]]:
    """Return the events of each trial: where all clocks start again, another begins."""
    starts = {machine: [0, *_starts(some), len(some)] for machine, some in events.items()}
    counts = {len(some) for some in starts.values()}
    if len(counts) != 1 or counts == {2}:
        return [events]
    return [
        {
            machine: some[starts[machine][n] : starts[machine][n + 1]]
            for machine, some in events.items()
        }
        for n in range(counts.pop() - 1)
    ]


def _starts(events: Sequence[Seen]) -> list[int]:
    """Return where the clock of a machine starts again, at a low value."""
    own = [event.clock for event in events]
    return [
        n
        for n in range(1, len(own) - 1)
        if own[n - 1] > own[n] <= own[n + 1] < own[n - 1]
        and (own[n] <= own[0] or own[n] * LOW <= own[n - 1])
    ]


def score(events: Mapping[str, Sequence[Seen]], logged: Logged) -> Score:
    """Return how well the events of each machine explain each other, trial by trial."""
    return reduce(Score.plus, (_score(trial, logged) for trial in trials(events)))


def _score(events: Mapping[str, Sequence[Seen]], logged: Logged) -> Score:
    clocks = {machine: timestamps(some, logged) for machine, some in events.items()}
    events, clocks = _one_by_one(events, clocks)
    sent = Sent(events, clocks)
    odd = followed = explained = unexplained = 0
    bits = 0.0
    for machine, some in events.items():
        seen = list(zip(some, clocks[machine], strict=True))
        best = max((_by(way, machine, seen, sent) for way in WAYS), key=_worth)
        followed += best.followed
        explained += best.explained
        unexplained += best.unexplained
        odd += best.odd
        bits += best.bits
    bits -= START_BITS * _odd_starts(events, logged)
    left, excess, selfish, foreign = _account(events)
    addressed = all(e.to is not None for some in events.values() for e in some if e.kind == "send")
    sends = sum(e.kind == "send" for some in events.values() for e in some)
    receives = sum(e.kind == "receive" for some in events.values() for e in some)
    return Score(
        *(explained, unexplained, bits, odd, left, excess, selfish, foreign, followed),
        *(max(0, sends - receives), addressed),
    )


def _odd_starts(events: Mapping[str, Sequence[Seen]], logged: Logged) -> int:
    """Return how many machines begin at another clock than most do, as far as it is known."""
    begun = Counter[int]()
    for some in events.values():
        for kind, clock, *_ in some[:1]:
            received = kind == "receive"
            # Of a receive, the clock after it shows nothing of the clock before.
            if logged in ("before", "turned" if received else "mixed"):
                begun[clock] += 1
            elif not received:
                begun[clock - 1] += 1
    return begun.total() - max(begun.values(), default=0)


def _one_by_one(
    events: Mapping[str, Sequence[Seen]], clocks: Mapping[str, list[tuple[int, int]]]
) -> tuple[Mapping[str, Sequence[Seen]], dict[str, list[tuple[int, int]]]]:
    """Divide multicasts that advance the clock once for each receiver, if many do."""
    pairs = {m: list(zip(some, clocks[m], strict=True)) for m, some in events.items()}
    all_others = len(events) - 1
    far = [
        (event, after - before)
        for some in pairs.values()
        for event, (before, after) in some
        if event.kind == "send" and after > before + 1
    ]
    several = [step for event, step in far if step == (len(event.to or ()) or all_others)]
    if len(several) < MANY_MULTICASTS or 10 * len(several) < 9 * len(far):
        return events, dict(clocks)
    divided: dict[str, list[tuple[Seen, tuple[int, int]]]] = {
        machine: [one for pair in some for one in _copies(*pair, all_others)]
        for machine, some in pairs.items()
    }
    return (
        {machine: [event for event, _ in some] for machine, some in divided.items()},
        {machine: [pair for _, pair in some] for machine, some in divided.items()},
    )


def _copies(
    event: Seen, pair: tuple[int, int], all_others: int
) -> Iterator[tuple[Seen, tuple[int, int]]]:
    before, after = pair
    if event.kind != "send" or after - before != (len(event.to or ()) or all_others):
        yield event, pair
        return
    for n in range(after - before):
        to = event.to and event.to[n : n + 1]
        yield event._replace(to=to), (before + n, before + n + 1)


def _worth(score: Score) -> float:
    return score.total


def _by(
    way: Way, machine: str, seen: Sequence[tuple[Seen, tuple[int, int]]], sent: "Sent"
) -> Score:
    """Score the events of a machine, if it receives in one way."""
    others = [(before, after) for event, (before, after) in seen if event.kind != "receive"]
    followed = sum(after == before + 1 for before, after in others)
    arrived = sum(
        after > before + 1 and sent.fits(after - 1, machine, None) for before, after in others
    )
    found = _receives(way, machine, seen, sent)
    odd, bits = found.odd + len(others) - followed, found.bits - way.bits
    if way.on_arrival:
        odd -= arrived
        bits += arrived * (sent.bits(machine, None) - ARRIVAL_BITS)
    return found._replace(followed=followed, odd=odd, bits=bits)


def _receives(
    way: Way, machine: str, seen: Sequence[tuple[Seen, tuple[int, int]]], sent: "Sent"
) -> Score:
    explained = unexplained = odd = 0
    bits = 0.0
    for event, (before, after) in seen:
        if event.kind != "receive":
            continue
        least = before + min(1, way.added)
        odd += after < least or (event.stamp is not None and event.stamp > after)
        if event.sender is not None and event.sender not in sent.machines:
            # Its send is in no log.
            continue
        if event.stamp is None and after <= before + max(1, way.added):
            continue
        clock = after - way.added if event.stamp is None else event.stamp + way.lag
        # Before a receive, other messages may have arrived.
        sender = None if way.on_arrival and event.stamp is None else event.sender
        if event.stamp is not None and after == _due(way, before, event.stamp):
            bits += STEP_BITS
        if sent.fits(clock, machine, sender):
            explained += 1
            bits += sent.bits(machine, sender)
        else:
            unexplained += 1
    return Score(explained, unexplained, bits, odd)


def _due(way: Way, before: int, stamp: int) -> int:
    """Return the clock after a receive of a stamp."""
    return max(before, stamp) + way.added if way.added else max(before + 1, stamp)


class Sent:
    """The sends of all machines, by clock."""

    def __init__(
        self,
        events: Mapping[str, Sequence[Seen]],
        clocks: Mapping[str, Sequence[tuple[int, int]]],
    ) -> None:
        self.machines = frozenset(events)
        self._by_clock: dict[int, list[tuple[str, tuple[str, ...] | None]]] = defaultdict(list)
        self._bits: dict[tuple[str, str | None], float] = {}
        last = 1
        for machine, some in events.items():
            for event, (_, after) in zip(some, clocks[machine], strict=True):
                last = max(last, after)
                if event.kind == "send":
                    self._by_clock[after].append((machine, event.to))
        self._range = last

    def fits(self, clock: int, receiver: str, sender: str | None) -> bool:
        """Return whether a send with this clock may be to a receiver, from a sender if known."""
        return any(_fits(one, receiver, sender) for one in self._by_clock.get(clock, ()))

    def bits(self, receiver: str, sender: str | None) -> float:
        """Return how unlikely any clock is that of a send to a receiver, in bits."""
        channel = receiver, sender
        if channel not in self._bits:
            clocks = sum(self.fits(clock, receiver, sender) for clock in self._by_clock)
            self._bits[channel] = log2(self._range / max(1, min(clocks, self._range)))
        return self._bits[channel]


def _fits(send: tuple[str, tuple[str, ...] | None], machine: str, by: str | None) -> bool:
    sender, to = send
    if sender == machine or by not in (None, sender):
        return False
    return to is None or machine in to


def _account(events: Mapping[str, Sequence[Seen]]) -> tuple[int, int, int, int]:
    """Return the messages left, the receives beyond what was sent, and the sends to oneself and
    to machines without a log."""
    copies: dict[str, int] = defaultdict(int)
    received: dict[str, int] = defaultdict(int)
    selfish = foreign = 0
    others = set[str]()
    unnamed = False
    for machine, some in events.items():
        for event in some:
            # A sender without a log sent what no send accounts for.
            received[machine] += event.kind == "receive" and event.sender in (None, *events)
            unnamed |= event.kind == "send" and event.to is None
            for name in event.to or ():
                copies[name] += 1
                selfish += name == machine
                if name not in events:
                    foreign += 1
                    others.add(name)
    if unnamed:
        sends = sum(event.kind == "send" for some in events.values() for event in some)
        most = (len(events) - 1) * sends
        return 0, max(0, sum(received.values()) - most), selfish, foreign
    left = sum(max(0, n - received[name]) for name, n in copies.items() if name in received)
    excess = sum(max(0, n - copies[name]) for name, n in received.items())
    # A single machine without a log may send anything.
    return left, 0 if len(others) == 1 else excess, selfish, foreign
