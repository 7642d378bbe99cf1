"""A history as the steps of its machines, for the rules of any clock.

Steps come in the order of the events' times if that order respects causality, and otherwise in that
of the longest causal paths. A receive without a known send counts as an internal event: no clock
learns from it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.history.arrays import UNKNOWN, column
from analysis.history.causality import Causality, causality
from analysis.history.derived import derived
from analysis.history.kernels import Rows
from analysis.history.messages import messages
from analysis.history.run import Run

Numbers = NDArray[np.int64]
#: Stands for no message.
NOTHING = -1


class Walk:
    """A history without a causal cycle, as steps.

    `order` are the rows of the events in the order of the steps. Messages are numbers: by message,
    `send` is the row of its send, `receiver` a machine's number, `uses` the number of its receives.
    `receives` are the rows of receives, and `received` their messages; a receive of several stands
    there for each; `unknown` are the rows of receives without a known send. `rank` is the number of
    an event on its machine, from 0. `physical_ns` is by row the logged reading of the machine's
    physical clock, or else the event's time; None if an event has neither.
    """

    def __init__(self, run: Run, known: Causality, physical_ns: Numbers | None) -> None:
        self.known, self.physical_ns = known, physical_ns
        self._read_messages(run)
        self.order = _order(run, known)
        self.unknown = np.flatnonzero(column(run, "receives") & (known.send < 0))
        self.rank = np.arange(len(known)) - known.first[known.machine]

    def _read_messages(self, run: Run) -> None:
        known, listed = self.known, messages(run)
        usable = listed.receiver >= 0
        number = np.where(usable, np.cumsum(usable) - 1, NOTHING)
        send, receiver = listed.send[usable], listed.receiver[usable]
        receives, sends = known.messages
        at = listed.find(sends, known.machine[receives])
        received = np.where(at >= 0, number[at], NOTHING)
        # Receives of messages that their sends do not list.
        strays = np.flatnonzero(received < 0)
        received[strays] = len(send) + np.arange(len(strays))
        send = np.concatenate((send, sends[strays]))
        receiver = np.concatenate((receiver, known.machine[receives[strays]]))
        order = np.argsort(send, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self.send, self.receiver = send[order], receiver[order]
        self.receives, self.received = receives, place[received]
        self.uses = np.bincount(self.received, minlength=len(order))
        self.begin = np.searchsorted(self.send, np.arange(len(known) + 1))

    def __len__(self) -> int:
        return len(self.order)

    def steps(self) -> tuple[Sequence[Sequence[int]], list[list[int]]]:
        """Return the steps as six columns, and the messages of joint receives.

        By step: the number of the machine, the index of the event there, its physical time, the
        message that it received (NOTHING: none; NOTHING - n: those of joint receive n, from 1), and
        where its own messages begin and end.
        """
        of_row, joint = self._received_by_row()
        rows = self.order
        physical_ns = (
            np.zeros(len(rows), np.int64) if self.physical_ns is None else self.physical_ns
        )
        columns = (
            self.known.machine[rows],
            self.rank[rows],
            physical_ns[rows],
            of_row[rows],
            self.begin[rows],
            self.begin[rows + 1],
        )
        return [one.tolist() for one in columns], joint

    def _received_by_row(self) -> tuple[Numbers, list[list[int]]]:
        of_row, joint = np.full(len(self.known), NOTHING, np.int64), list[list[int]]()
        of_row[self.receives] = self.received
        if len(self.receives) > np.count_nonzero(of_row >= 0):
            rows, counts = np.unique(self.receives, return_counts=True)
            for row in rows[counts > 1].tolist():
                joint.append(self.received[self.receives == row].tolist())
                of_row[row] = NOTHING - len(joint)
        return of_row, joint


@derived
def walk(run: Run) -> Walk:
    """Return the walk of a run whose messages form no causal cycle."""
    assert not causality(run).cycle
    return Walk(run, causality(run), physical_times(run))


def physical_times(run: Run) -> Numbers | None:
    """Return the physical time of each event; None if the logs lack that of an event."""
    for name in ("physical_ns", "at_ns"):
        if name in run.scan.collect_schema():
            times_ns = run.scan.select(name).collect().to_series()
            if not times_ns.null_count():
                return times_ns.to_numpy()
    return None


def _order(run: Run, known: Causality) -> Rows:
    """Return the rows in an order that causality allows, by their times if possible."""
    at_ns = column(run, "at_ns")
    receives, sends = known.messages
    follows = known.machine[1:] == known.machine[:-1]
    is_forward = not (at_ns == UNKNOWN).any() and bool(
        (at_ns[1:] >= at_ns[:-1])[follows].all() and (at_ns[sends] <= at_ns[receives]).all()
    )
    keys = (known.depth, at_ns) if is_forward else (known.depth,)
    return np.lexsort(keys).astype(np.int32)
