"""Stamps that no message within the bounds can carry, and the reasons for their refusal."""

import pytest

from vm.clocks import clock_of
from vm.clocks.clock import Bounds
from vm.clocks.encoding import encode_numbers
from vm.clocks.plausible.bloom import Bloom

#: Machine 1 sends to machine 0; machine 2 has had no event. Physical clocks have come to 1 ms.
BOUNDS = Bounds(1, 0, [3, 4, 0], 1_000_000)


@pytest.mark.parametrize(
    ("name", "numbers", "reason"),
    [
        ("wall", [1_000_001], "1000001 ns is after 1000000 ns"),
        ("wall", [1, 1], "a stamp is 1 number, not 2"),
        ("hlc", [1_000_001, 0], "l is 1000001 ns, after 1000000 ns"),
        ("hlc", [5, 7], "c is 7, but there were at most 7 events"),
        ("hlc", [5], "a stamp is 2 numbers, not 1"),
        ("hvc:100", [5], "a stamp is 2 numbers or more, not 1"),
        ("hvc:100", [5, 0b111, 1, 1, 1], "0b111 is not a set of at most 2 machines"),
        ("hvc:100", [5, 0b1000, 1], "0b1000 is not a set of at most 2 machines"),
        ("hvc:100", [5, 0b011, 1], "1 entries for 2 machines"),
        ("hvc:100", [5, 0b011, 0, 1], "entry 0 is the least one"),
        ("hvc:100", [0, 0b001, 1], "the sender has no time"),
        ("hvc:100", [5, 0b010, 100_001], "an entry is 100001 ns behind, above ε = 100000 ns"),
        ("hvc:100", [950_000, 0b010, 50_009], "entry 1 is 1000009 ns, after 1000007 ns"),
        ("hvc:100", [950_000, 0b010, 9], "entry 2 is 950000 ns, after 900007 ns"),
        ("repcl:10:70", [5, 0b010, 0], "a stamp is 4 numbers or more, not 3"),
        ("repcl:10:70", [102, 0b010, 0, 0], "mx is 102, after epoch 101"),
        ("repcl:10:70", [5, 0b1010, 0, 0], "a set of machines beyond the 3 of the run"),
        ("repcl:10:70", [5, 0b010, 0, 0b1000, 1], "a set of machines beyond the 3 of the run"),
        ("repcl:10:70", [5, 0b010, 0b1000, 0], "more offsets than 1 of 3 bits"),
        ("repcl:10:70", [5, 0b010, 0, 0b010], "0 counts for 1 machines"),
        ("repcl:10:70", [5, 0b010, 0, 0b010, 5], "count 1 is 5, outside 1..4"),
        ("repcl:10:70", [5, 0b010, 0, 0b010, 0], "count 1 is 0, outside 1..4"),
        ("repcl:10:70", [9, 0b011, 0b000_111, 0], "offset 7 of machine 0 is too large"),
        ("repcl:10:70", [5, 0b011, 0b000_101, 0], "offset 5 of machine 0 is too large"),
        ("repcl:10:70", [5, 0b110, 0, 0], "an epoch of machine 2, which has had no event"),
        ("repcl:10:70", [9, 0b010, 0b001, 0], "mx is 9, but no machine has that epoch"),
        ("repcl:10:70", [5, 0b001, 0, 0], "the sender has no epoch"),
        ("rev:2", [1, 1, 1], "a stamp is 2 numbers, not 3"),
        ("rev:2", [4, 1], "entry 0 is 4, outside 0..3"),
        ("rev:2", [3, 0], "the sender's entry is 0"),
        ("k-lamport:3", [8, 0, 0], "level 1 is 8, outside 1..7"),
        ("k-lamport:3", [0, 0, 0], "level 1 is 0, outside 1..7"),
        ("k-lamport:3", [6, 5, 0], "level 2 is 5, too near to 6"),
        ("k-lamport:3", [1, 1, 0], "level 2 is 1, too near to 1"),
        ("k-lamport:3", [6, 4, 3], "level 3 is 3, too near to 4"),
        ("comb:2:2", [1, 1, 1], "a stamp is 4 numbers, not 3"),
        ("comb:2:2", [1, 5, 3, 0], "entry 1 is 5, outside 0..4"),
        ("comb:2:2", [1, 1, 3, 2], "level 2 is 2, too near to 3"),
        ("bloom:2:2", [8, 7], "the sum of the cells is 15, above 14"),
        ("bloom:2:2", [0, 0], "the sender's first event is not in cell"),
    ],
)
def test_what_no_message_can_carry_is_refused(name: str, numbers: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{name.partition(':')[0]}: ") as refusal:
        clock_of(name).decode(encode_numbers(numbers), BOUNDS)
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "numbers", "stamp"),
    [
        ("wall", [1_000_000], 1_000_000),
        ("hlc", [1_000_000, 6], (1_000_000, 6)),
        ("hvc:100", [900_000, 0b011, 7, 100_000], (900_007, 1_000_000, 900_000)),
        ("repcl:10:70", [9, 0b011, 0b000_110, 0b010, 4], ((3, 9, 2), (0, 4, 0))),
        ("rev:2", [3, 4], (3, 4)),
        ("k-lamport:3", [7, 5, 3], (1, 7, 5, 3)),
        ("comb:2:2", [3, 4, 7, 5], ((3, 4), (1, 7, 5))),
    ],
)
def test_the_greatest_possible_stamps_are_accepted(
    name: str, numbers: list[int], stamp: object
) -> None:
    assert clock_of(name).decode(encode_numbers(numbers), BOUNDS) == stamp


def test_a_bloom_stamp_without_both_hashes_of_the_first_event_is_refused() -> None:
    clock = next(
        clock
        for cells in range(2, 100)
        if len({*(clock := Bloom(cells, 2)).chosen(BOUNDS.sender, 0)}) == 1
    )
    cell = clock.chosen(BOUNDS.sender, 0)[0]
    cells = [0] * clock.cells
    cells[cell] = 1
    with pytest.raises(ValueError, match=f"^bloom: the sender's first event .* cell {cell}$"):
        clock.decode(encode_numbers(cells), BOUNDS)
    cells[cell] = 2
    assert clock.decode(encode_numbers(cells), BOUNDS) == tuple(cells)
