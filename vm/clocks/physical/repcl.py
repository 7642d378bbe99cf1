"""The replay clock (Lagwankar and Kulkarni, Replay Clocks, 2023: the algorithm of RepCL with a
count per machine, and its representation by mx, bitmap, offsets and counters)."""

from dataclasses import dataclass
from functools import cached_property
from operator import le

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers

#: Epochs, and the counts of events since they last changed; both by machine.
Replay = tuple[tuple[int, ...], tuple[int, ...]]
#: The epoch of a machine of which nothing is known. The first epoch is 1.
UNKNOWN = 0


@dataclass(frozen=True)
class RepCl(Clock[Replay]):
    """An epoch and a count per machine. An epoch is an interval of physical time; entry q is the
    latest epoch of q in the event's past, at least mx - ε, where mx is the latest epoch of all and
    ε a number of intervals. Count q is the number of q's events on which the epochs stayed.

    Orders every causally related pair, and all pairs with mx more than ε apart. A concurrent pair
    that is nearer is ordered only if the later event knows an event of the earlier one's machine in
    the same epoch, or mx of the later is ε after the earlier's own epoch. A stamp is mx, a bit per
    machine with an epoch after mx - ε, the offsets of these epochs from mx, and the counts.
    """

    interval_us: int = parameter(10_000, 1, 10**12, "the length of an epoch, in microseconds")
    error_us: int = parameter(
        100_000, 1, 10**15, "ε: the largest difference of two physical clocks, in microseconds"
    )

    promise = "clock condition"
    column = "lists"
    reads_physical = True

    @cached_property
    def _interval_ns(self) -> int:
        return self.interval_us * 1000

    @cached_property
    def _error(self) -> int:
        """ε in epochs."""
        return -(-self.error_us // self.interval_us)

    def initial(self, me: int, machines: int) -> Replay:
        return (UNKNOWN,) * machines, (0,) * machines

    def advance(self, state: Replay, at: At) -> Replay:
        return self._counted(self._epochs(state[0], at), at.me, state)

    def receive(self, state: Replay, stamp: Replay, sender: int, at: At) -> Replay:
        epochs = self._epochs(tuple(map(max, state[0], stamp[0])), at)
        return self._counted(epochs, at.me, state, stamp)

    def _epochs(self, known: tuple[int, ...], at: At) -> tuple[int, ...]:
        """Return the known epochs and that of a new event."""
        me, epoch = at.me, at.physical_ns // self._interval_ns + 1
        if epoch > known[me]:
            known = (*known[:me], epoch, *known[me + 1 :])
        if (least := max(known) - self._error) > UNKNOWN:
            known = tuple([epoch if epoch > least else least for epoch in known])
        return known

    def _counted(self, epochs: tuple[int, ...], me: int, *before: Replay) -> Replay:
        """Return the epochs with the counts of those states before it that had the same."""
        counts = [counts for known, counts in before if known == epochs]
        if not counts:
            return epochs, (0,) * len(epochs)
        most = counts[0] if len(counts) == 1 else tuple(map(max, *counts))
        return epochs, (*most[:me], most[me] + 1, *most[me + 1 :])

    def precedes(self, a: Replay, b: Replay) -> bool:
        if a[0] != b[0]:
            return all(map(le, a[0], b[0]))
        return a[1] != b[1] and all(map(le, a[1], b[1]))

    def encode(self, stamp: Replay) -> bytes:
        epochs, counts = stamp
        latest, width = max(epochs), (self._error - 1).bit_length()
        kept, offsets, place = 0, 0, 0
        for q, epoch in enumerate(epochs):
            if (offset := latest - epoch) < self._error and epoch > UNKNOWN:
                kept |= 1 << q
                offsets |= offset << place
                place += width
        counted = sum(1 << q for q, count in enumerate(counts) if count)
        return encode_numbers([latest, kept, offsets, counted, *filter(None, counts)])

    def decode(self, data: bytes, bounds: Bounds) -> Replay:
        machines, width = len(bounds.events), (self._error - 1).bit_length()
        numbers = read_numbers("repcl", data, longest=machines * max(width, 1) // 7 + 1)
        if len(numbers) < 4:
            raise ValueError(f"repcl: a stamp is 4 numbers or more, not {len(numbers)}")
        latest, kept, offsets, counted = numbers[:4]
        if latest > (most := bounds.physical_ns // self._interval_ns + 1):
            raise ValueError(f"repcl: mx is {latest}, after epoch {most}")
        if kept >> machines or counted >> machines:
            raise ValueError(f"repcl: a set of machines beyond the {machines} of the run")
        if offsets >> width * kept.bit_count():
            raise ValueError(f"repcl: more offsets than {kept.bit_count()} of {width} bits")
        if len(numbers) != 4 + counted.bit_count():
            raise ValueError(f"repcl: {len(numbers) - 4} counts for {counted.bit_count()} machines")
        epochs, counts = [max(latest - self._error, UNKNOWN)] * machines, [0] * machines
        for q in _places(kept):
            epochs[q] = latest - (offsets & (1 << width) - 1)
            offsets >>= width
        for q, count in zip(_places(counted), numbers[4:], strict=True):
            counts[q] = count
            if not 1 <= count <= bounds.events[q]:
                raise ValueError(f"repcl: count {q} is {count}, outside 1..{bounds.events[q]}")
        self._check(latest, kept, epochs, bounds)
        return tuple(epochs), tuple(counts)

    def _check(self, latest: int, kept: int, epochs: list[int], bounds: Bounds) -> None:
        """Refuse epochs that the rules cannot reach."""
        for q in _places(kept):
            if not max(latest - self._error, UNKNOWN) < epochs[q]:
                raise ValueError(f"repcl: offset {latest - epochs[q]} of machine {q} is too large")
            if not bounds.events[q]:
                raise ValueError(f"repcl: an epoch of machine {q}, which has had no event")
        if max(epochs) != latest:
            raise ValueError(f"repcl: mx is {latest}, but no machine has that epoch")
        if epochs[bounds.sender] == UNKNOWN:
            raise ValueError("repcl: the sender has no epoch, but a send is an event")


def _places(members: int) -> list[int]:
    """Return the positions of the bits that are set."""
    return [q for q in range(members.bit_length()) if members >> q & 1]
