"""The vector clock that sends differences (Singhal and Kshemkalyani 1992)."""

from typing import NamedTuple

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.exact.counts import Counts, check_count, is_before

#: The changed components, each with its machine, in the order of machines.
Changes = tuple[tuple[int, int], ...]


class Differences(NamedTuple):
    """The vector of a machine; when, by the machine's own component, each component was last
    updated (LU), and when each machine was last sent a message (LS)."""

    me: int
    vector: Counts
    updated: Counts
    sent: Counts


class Differential(Clock[Differences]):
    """The vector clock, of which a message carries the components that have changed since the
    previous message to the same receiver (An efficient implementation of vector clocks,
    Information Processing Letters 43, 1992, section 3).

    Orders exactly the causally related pairs of events, if no message is lost and none overtakes
    another; a second copy changes nothing. A stamp has 1 to N components, a state 3 N numbers.
    """

    promise = "strong clock condition"
    column = "list"
    needs_fifo = True

    def initial(self, me: int, machines: int) -> Differences:
        none = (0,) * machines
        return Differences(me, none, none, none)

    def advance(self, state: Differences, at: At) -> Differences:
        me, vector, updated, sent = state
        own = vector[me] + 1
        return Differences(
            me,
            (*vector[:me], own, *vector[me + 1 :]),
            (*updated[:me], own, *updated[me + 1 :]),
            sent,
        )

    def stamp(self, state: Differences, to: int) -> tuple[Differences, Changes]:
        me, vector, updated, sent = state
        last = sent[to]
        changes = tuple((q, vector[q]) for q, when in enumerate(updated) if when > last)
        return Differences(me, vector, updated, (*sent[:to], vector[me], *sent[to + 1 :])), changes

    def receive(self, state: Differences, stamp: Changes, sender: int, at: At) -> Differences:
        me = state.me
        vector, updated = list(state.vector), list(state.updated)
        # The receive is an event of its own: updates count as later than any message sent before.
        own = vector[me] = updated[me] = vector[me] + 1
        for machine, count in stamp:
            if count > vector[machine]:
                vector[machine], updated[machine] = count, own
        return Differences(me, tuple(vector), tuple(updated), state.sent)

    def timestamp(self, state: Differences) -> Counts:
        return state.vector

    def precedes(self, a: Counts, b: Counts) -> bool:
        return is_before(a, b)

    def encode(self, stamp: Changes) -> bytes:
        return encode_numbers(number for change in stamp for number in change)

    def decode(self, data: bytes, bounds: Bounds) -> Changes:
        numbers = read_numbers("differential", data)
        if len(numbers) % 2:
            raise ValueError("differential: the last machine has no component")
        last, machines = -1, len(bounds.events)
        for machine, count in (changes := tuple(zip(numbers[::2], numbers[1::2], strict=True))):
            if not last < machine < machines:
                raise ValueError(
                    f"differential: machine {machine} is outside {last + 1}..{machines - 1}"
                )
            if not count:
                raise ValueError(f"differential: component {machine} is 0, so it has not changed")
            check_count("differential", machine, count, bounds)
            last = machine
        # A send is an event, so the sender's own component has always changed.
        if all(machine != bounds.sender for machine, _ in changes):
            raise ValueError("differential: the sender's component is missing")
        return changes
