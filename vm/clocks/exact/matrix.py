"""The matrix clock (Wuu and Bernstein 1984)."""

from operator import gt

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.exact.counts import Counts, check_counts

#: By machine, the vector of its last known event.
Rows = tuple[Counts, ...]


class Matrix(Clock[Rows]):
    """N vectors at every machine: row q is the vector of the last known event of machine q, its own
    row the vector of its last event (Efficient Solutions to the Replicated Log and Dictionary
    Problems, PODC 1984, section 3: the two-dimensional time-table).

    Orders exactly the causally related pairs of events. A stamp has N² numbers. The least number of
    a column counts the events of a machine that all machines are known to know.
    """

    promise = "strong clock condition"
    column = "lists"

    def initial(self, me: int, machines: int) -> Rows:
        return ((0,) * machines,) * machines

    def advance(self, state: Rows, at: At) -> Rows:
        me = at.me
        own = state[me]
        own = (*own[:me], own[me] + 1, *own[me + 1 :])
        return (*state[:me], own, *state[me + 1 :])

    def receive(self, state: Rows, stamp: Rows, sender: int, at: At) -> Rows:
        me = at.me
        # Both rows of q are vectors of events of q: the later one is the maximum by components.
        rows = [
            mine if mine[q] >= theirs[q] else theirs
            for q, (mine, theirs) in enumerate(zip(state, stamp, strict=True))
        ]
        own = list(map(max, state[me], stamp[sender]))
        own[me] += 1
        rows[me] = tuple(own)
        return tuple(rows)

    def precedes(self, a: Rows, b: Rows) -> bool:
        # Row q counts the known events of q in column q: the diagonal is the event's vector.
        before = False
        for q, row in enumerate(a):
            known, later = row[q], b[q][q]
            if known > later:
                return False
            if known < later:
                before = True
        return before

    def encode(self, stamp: Rows) -> bytes:
        return encode_numbers(number for row in stamp for number in row)

    def decode(self, data: bytes, bounds: Bounds) -> Rows:
        size = len(bounds.events)
        numbers = read_numbers("matrix", data, size * size)
        rows = tuple(tuple(numbers[q * size : (q + 1) * size]) for q in range(size))
        check_counts("matrix", rows[bounds.sender], bounds)
        _check_rows(rows, bounds.sender)
        return rows


def _check_rows(rows: Rows, sender: int) -> None:
    """Check that the rows can be the vectors of the last events in the past of one of them."""
    known = rows[sender]
    for q, row in enumerate(rows):
        if row[q] != known[q]:
            raise ValueError(f"matrix: row {q} is that of event {row[q]}, not of {known[q]}")
        if not row[q] and any(row):
            raise ValueError(f"matrix: row {q} of a machine without an event is not zero")
        for k, count in enumerate(row):
            if q == k or not count or count < known[k]:
                continue
            # The last event of k is in the past of that of q: so is its past, without q's event.
            if rows[k][q] == row[q]:
                raise ValueError(f"matrix: rows {q} and {k} are each in the past of the other")
            if any(map(gt, rows[k], row)):
                raise ValueError(f"matrix: row {q} lacks the past of row {k}")
