"""The hybrid vector clock (Demirbas and Kulkarni, Beyond TrueTime, LADIS 2013: AugmentedTime;
Yingchareonthawornchai, Kulkarni and Demirbas, Analysis of Bounds on Hybrid Vector Clocks, OPODIS
2015: the algorithm of HVC)."""

from dataclasses import dataclass
from operator import le

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers

Times = tuple[int, ...]
#: The entry of a machine of which nothing is known; a first event is later, also at time 0.
UNKNOWN_NS = 0


@dataclass(frozen=True)
class Hvc(Clock[Times]):
    """A physical time per machine: entry q is the latest time of q in the event's past, in
    nanoseconds, at least the own time less ε, which q's clock has reached in any case.

    Orders every causally related pair, and pairs more than ε apart by time; with an ε that no run
    outlasts, it is a vector clock. A stamp holds the entries above the least one: few with a small
    ε, all with a large one. Where the paper's assumptions fail (a clock that stands still or steps
    back, or runs behind the stamp by more than ε), the own entry goes on from the greatest known.
    """

    error_us: int = parameter(
        100_000, 1, 10**15, "ε: the largest difference of two physical clocks, in microseconds"
    )

    promise = "clock condition"
    column = "list"
    reads_physical = True

    def initial(self, me: int, machines: int) -> Times:
        return (UNKNOWN_NS,) * machines

    def advance(self, state: Times, at: At) -> Times:
        me = at.me
        now_ns = max(at.physical_ns, state[me] + 1)
        least_ns = now_ns - self.error_us * 1000
        if least_ns > UNKNOWN_NS:
            state = tuple([time if time > least_ns else least_ns for time in state])
        return (*state[:me], now_ns, *state[me + 1 :])

    def receive(self, state: Times, stamp: Times, sender: int, at: At) -> Times:
        return self.advance(tuple(map(max, state, stamp)), at)

    def precedes(self, a: Times, b: Times) -> bool:
        return a != b and all(map(le, a, b))

    def encode(self, stamp: Times) -> bytes:
        # The least entry, then a bit per machine with a later one, then the differences.
        least = min(stamp)
        kept = sum(1 << q for q, time in enumerate(stamp) if time > least)
        later = [time - least for time in stamp if time > least]
        return encode_numbers([least, kept, *later])

    def decode(self, data: bytes, bounds: Bounds) -> Times:
        events = bounds.events
        numbers = read_numbers("hvc", data, longest=len(events) // 7 + 1)
        if len(numbers) < 2:
            raise ValueError(f"hvc: a stamp is 2 numbers or more, not {len(numbers)}")
        least, kept = numbers[:2]
        # Were all entries later than the least, it would not be the least.
        if kept >= (1 << len(events)) - 1:
            raise ValueError(f"hvc: {kept:#b} is not a set of at most {len(events) - 1} machines")
        if len(numbers) != 2 + kept.bit_count():
            raise ValueError(f"hvc: {len(numbers) - 2} entries for {kept.bit_count()} machines")
        later = iter(numbers[2:])
        times = tuple([least + (next(later) if kept >> q & 1 else 0) for q in range(len(events))])
        self._check(times, kept, bounds)
        return times

    def _check(self, times: Times, kept: int, bounds: Bounds) -> None:
        """Refuse entries that the rules cannot reach."""
        least, own, error_ns = min(times), times[bounds.sender], self.error_us * 1000
        if own == UNKNOWN_NS:
            raise ValueError("hvc: the sender has no time, but a send is an event")
        if least < own - error_ns:
            raise ValueError(f"hvc: an entry is {own - least} ns behind, above ε = {error_ns} ns")
        # Each event goes beyond the greatest known time by 1 ns at most.
        latest = bounds.physical_ns + sum(bounds.events)
        for q, (time, events) in enumerate(zip(times, bounds.events, strict=True)):
            if kept >> q & 1 and time == least:
                raise ValueError(f"hvc: entry {q} is the least one, and need not be there")
            if time > (most := latest if events else max(latest - error_ns, UNKNOWN_NS)):
                raise ValueError(f"hvc: entry {q} is {time} ns, after {most} ns")
