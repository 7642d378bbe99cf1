"""How well a reading explains the clocks of a sample: which receives follow from which sends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from vm.records import Kind

#: When a clock is logged: after each event, before each event, or "mixed", after a receive and
#: before other events.
Logged = Literal["after", "before", "mixed"]
LOGGED: tuple[Logged, ...] = ("after", "before", "mixed")


class Seen(NamedTuple):
    """An event as a reading sees it; `to` and `sender` are None if unknown.

    `clock` is the value in the log, `stamp` that of the message.
    """

    kind: Kind
    clock: int
    to: tuple[str, ...] | None = None
    sender: str | None = None
    stamp: int | None = None


class Score(NamedTuple):
    """Counts over all events, added up in `total`: more is better.

    `explained` are receives whose clock or stamp is that of a send that could be theirs, and
    `unexplained` those with none; `odd` are clocks that follow from no rule, `left` are messages
    that nothing receives, `surplus` how many more sends than receives there are, `excess` receives
    of more than was sent, `selfish` sends to oneself; `followed` are clocks of sends and internal
    events that follow from the event before. It `is_addressed` if all sends name their receivers.
    """

    explained: int = 0
    unexplained: int = 0
    odd: int = 0
    left: int = 0
    excess: int = 0
    selfish: int = 0
    followed: int = 0
    surplus: int = 0
    is_addressed: bool = False

    @property
    def total(self) -> float:
        return (
            3 * self.explained
            - 3 * self.unexplained
            - 2 * self.odd
            - 3 * self.excess
            - 0.1 * self.left
            - 0.5 * self.surplus
            - 5 * self.selfish
        )


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
    after = [e.clock + (e.kind != "receive") for e in events]
    return list(zip([first, *after[:-1]], after, strict=True))


def score(events: Mapping[str, Sequence[Seen]], logged: Logged) -> Score:
    """Return how well the events of each machine explain each other."""
    clocks = {machine: timestamps(some, logged) for machine, some in events.items()}
    return max((_score(events, clocks, added) for added in (1, 0)), key=lambda one: one.total)


def _score(
    events: Mapping[str, Sequence[Seen]], clocks: Mapping[str, list[tuple[int, int]]], added: int
) -> Score:
    """Score on the assumption that a receive adds this much to the clock of its send."""
    sent = _sent(events, clocks)
    explained = unexplained = odd = followed = 0
    for machine, some in events.items():
        for event, (before, after) in zip(some, clocks[machine], strict=True):
            if event.kind != "receive":
                odd += after != before + 1
                followed += after == before + 1
                continue
            odd += after < before + added or (event.stamp is not None and event.stamp > after)
            if event.sender is not None and event.sender not in events:
                # Its send is in no log.
                continue
            jumps = after > before + 1
            if event.stamp is None and not jumps:
                continue
            stamp = after - added if event.stamp is None else event.stamp
            near = (stamp,) if event.stamp is None else (stamp, stamp + 1)
            found = any(_fits(one, machine, event) for at in near for one in sent.get(at, ()))
            explained += found
            unexplained += not found
    left, excess, selfish = _account(events)
    addressed = all(e.to is not None for some in events.values() for e in some if e.kind == "send")
    sends = sum(e.kind == "send" for some in events.values() for e in some)
    receives = sum(e.kind == "receive" for some in events.values() for e in some)
    surplus = max(0, sends - receives)
    return Score(explained, unexplained, odd, left, excess, selfish, followed, surplus, addressed)


def _sent(
    events: Mapping[str, Sequence[Seen]], clocks: Mapping[str, list[tuple[int, int]]]
) -> dict[int, list[tuple[str, tuple[str, ...] | None]]]:
    sent: dict[int, list[tuple[str, tuple[str, ...] | None]]] = defaultdict(list)
    for machine, some in events.items():
        for event, (_, after) in zip(some, clocks[machine], strict=True):
            if event.kind == "send":
                sent[after].append((machine, event.to))
    return sent


def _fits(send: tuple[str, tuple[str, ...] | None], machine: str, event: Seen) -> bool:
    sender, to = send
    if sender == machine or (event.sender is not None and event.sender != sender):
        return False
    return to is None or machine in to


def _account(events: Mapping[str, Sequence[Seen]]) -> tuple[int, int, int]:
    """Return the messages left, the receives beyond what was sent, and the sends to oneself."""
    copies: dict[str, int] = defaultdict(int)
    received: dict[str, int] = defaultdict(int)
    selfish = 0
    unnamed = False
    for machine, some in events.items():
        for event in some:
            received[machine] += event.kind == "receive"
            unnamed |= event.kind == "send" and event.to is None
            for name in event.to or ():
                copies[name] += 1
                selfish += name == machine
    if unnamed:
        sends = sum(event.kind == "send" for some in events.values() for event in some)
        most = (len(events) - 1) * sends
        return 0, max(0, sum(received.values()) - most), selfish
    left = sum(max(0, n - received[name]) for name, n in copies.items() if name in received)
    excess = sum(max(0, n - copies[name]) for name, n in received.items())
    return left, excess, selfish
