"""The Bloom clock (Ramabaja, The Bloom Clock, 2019: the protocol; Misra and Kshemkalyani, The Bloom
Clock for Causality Testing, ICDCIT 2021)."""

from dataclasses import dataclass
from hashlib import blake2b
from operator import le

from vm.clocks.clock import At, Bounds, Clock, parameter
from vm.clocks.encoding import encode_numbers, read_numbers

Cells = tuple[int, ...]


@dataclass(frozen=True)
class Bloom(Clock[Cells]):
    """A counting Bloom filter of the past: each event adds 1 to the m cells that k hash functions
    choose for it (two of them may choose the same); a receive takes the larger cells first.

    Orders every causally related pair, and a concurrent one if the later filter happens to hold the
    earlier one: seldom with many cells and short pasts. m numbers a stamp, for any number of
    machines.
    """

    cells: int = parameter(64, 1, 10_000, "m: the number of cells of the filter")
    hashes: int = parameter(3, 1, 16, "k: the number of hash functions")

    promise = "clock condition"
    column = "list"

    def initial(self, me: int, machines: int) -> Cells:
        return (0,) * self.cells

    def advance(self, state: Cells, at: At) -> Cells:
        cells = list(state)
        for cell in self.chosen(at.me, at.index):
            cells[cell] += 1
        return tuple(cells)

    def receive(self, state: Cells, stamp: Cells, sender: int, at: At) -> Cells:
        return self.advance(tuple(map(max, state, stamp)), at)

    def precedes(self, a: Cells, b: Cells) -> bool:
        return a != b and all(map(le, a, b))

    def encode(self, stamp: Cells) -> bytes:
        return encode_numbers(stamp)

    def decode(self, data: bytes, bounds: Bounds) -> Cells:
        cells = read_numbers("bloom", data, self.cells)
        # The filter of all events so far is above this one, cell by cell.
        if (total := sum(cells)) > (most := self.hashes * sum(bounds.events)):
            raise ValueError(f"bloom: the sum of the cells is {total}, above {most}")
        for cell in (first := self.chosen(bounds.sender, 0)):
            if cells[cell] < first.count(cell):
                raise ValueError(f"bloom: the sender's first event is not in cell {cell}")
        return tuple(cells)

    def chosen(self, machine: int, index: int) -> list[int]:
        """Return the cells of an event: k words of a hash of its name, modulo m."""
        size = 4 * self.hashes
        digest = blake2b(b"%d.%d" % (machine, index), digest_size=size).digest()
        return [int.from_bytes(digest[n : n + 4], "big") % self.cells for n in range(0, size, 4)]
