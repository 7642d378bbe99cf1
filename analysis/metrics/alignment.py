"""The main clocks of all machines at common instants: their spread, and the lag of each.

The clock of a machine at an instant is that of its last event at or before this instant. The
instants are the times of all events, from the first at which every machine has had an event until
the earliest last event of a machine: before and after, some clock is unknown. Means are over time:
a clock keeps its value until the next instant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.history.arrays import UNKNOWN, column
from analysis.history.derived import derived
from analysis.history.run import Run

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Alignment:
    """The highest clock (`front`) and the lowest (`rear`) at the instants `at_ns`.

    `lag_mean` is each machine's mean distance behind the front. Without an instant at which all
    clocks are known there are no entries; a mean over no time is None.
    """

    at_ns: Ints
    front: Ints
    rear: Ints
    lag_mean: dict[str, float | None]

    @property
    def spread(self) -> Ints:
        return self.front - self.rear

    @property
    def spread_mean(self) -> float | None:
        return _mean(self.at_ns, self.spread)


class _Readings(NamedTuple):
    """All events in the order of their times; `mine` marks the events of each machine."""

    at_ns: Ints
    clock: Ints
    mine: list[NDArray[np.bool_]]

    def after(self, rows: Ints) -> Iterator[Ints]:
        """Yield the clock of each machine after the events up to and including each of `rows`."""
        # One machine at a time: all clocks at all instants of a large run would fill the memory.
        return (self.clock[own][np.cumsum(own)[rows] - 1] for own in self.mine)


@derived
def align(run: Run) -> Alignment:
    """Return the clocks of a run at common instants."""
    readings = _readings(run)
    rows = _common(readings)
    at_ns = readings.at_ns[rows]
    if not rows.size:
        return Alignment(at_ns, at_ns, at_ns, {})
    front = rear = next(readings.after(rows))
    for clock in readings.after(rows):
        front, rear = np.maximum(front, clock), np.minimum(rear, clock)
    lags = [_mean(at_ns, front - clock) for clock in readings.after(rows)]
    return Alignment(at_ns, front, rear, dict(zip(run.machines, lags, strict=True)))


def _readings(run: Run) -> _Readings:
    at_ns, clock = column(run, "at_ns"), run.events["main"]
    known = np.flatnonzero((at_ns != UNKNOWN) & clock.is_not_null().to_numpy())
    # Stable, so that of events at the same instant the later one in the log comes later.
    order = known[np.argsort(at_ns[known], kind="stable")]
    machine = column(run, "machine")[order]
    return _Readings(
        at_ns=at_ns[order],
        clock=clock.fill_null(0).to_numpy()[order],
        mine=[machine == m for m in range(len(run.machines))],
    )


def _common(readings: _Readings) -> Ints:
    """Return the last row of each instant at which all clocks are known."""
    at_ns = readings.at_ns
    if not all(own.any() for own in readings.mine):
        return np.empty(0, np.int64)
    begun_ns = max(at_ns[own.argmax()] for own in readings.mine)
    ended_ns = min(at_ns[-1 - own[::-1].argmax()] for own in readings.mine)
    last = np.append(at_ns[1:] != at_ns[:-1], True)
    return np.flatnonzero(last & (at_ns >= begun_ns) & (at_ns <= ended_ns))


def _mean(at_ns: Ints, values: Ints) -> float | None:
    """Return the mean over time of values that each last until the next instant."""
    lasting_ns = np.diff(at_ns)
    # As floats: the sum of the products of a long run does not fit into 64 bits.
    return float(np.average(values[:-1], weights=lasting_ns)) if lasting_ns.size else None
