"""The clock conditions over all pairs, against all pairs one by one."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.checks.clocks import examined
from analysis.checks.evidence import Evidence
from analysis.clocks import TWINS
from analysis.evaluation import evaluate
from analysis.history.run import Run
from examples import HALF
from histories import World
from loading import run_of
from specs import bearable
from unruly import closure, events_of, unruly_with
from vm.clocks import clock_of
from vm.records import Timestamp

#: Every clock without a limit: the histories have so many ticks that others could overflow.
NAMES = bearable(fifo=True, is_lossy=False, is_long=True)
every_clock = pytest.mark.parametrize("clock", NAMES)


@dataclass
class Truth:
    """All pairs of events: which are causal, and which a clock orders."""

    causal: NDArray[np.bool_]
    ordered: NDArray[np.bool_]

    @classmethod
    def of(cls, world: World, clock: str) -> "Truth":
        stamps = [event.clock[clock] for _, event in events_of(world)]
        precedes = clock_of(clock).precedes
        ordered = np.array([[precedes(a, b) for b in stamps] for a in stamps], bool)
        return cls(closure(world), ordered.reshape(len(stamps), len(stamps)))

    @property
    def concurrent(self) -> NDArray[np.bool_]:
        return ~(self.causal | self.causal.T | np.eye(len(self.causal), dtype=bool))


@every_clock
@HALF
@given(data=st.data())
def test_every_count_is_that_of_brute_force(clock: str, data: st.DataObject) -> None:
    world = data.draw(unruly_with(clock))
    truth, found = Truth.of(world, clock), evaluate(run_of(world)).verdict
    (claim,) = (claim for claim in found.claims if claim.clock == clock)
    assert found.state == ("holds" if events_of(world) else "inconclusive")
    assert claim.promises == is_strong(clock)
    assert claim.concurrent == truth.concurrent.sum() // 2
    ordered = (truth.concurrent & (truth.ordered | truth.ordered.T)).sum() // 2
    assert claim.ordered == (ordered if clock in TWINS or is_strong(clock) else None)


def is_strong(clock: str) -> bool:
    return clock_of(clock).promise == "strong clock condition"


@pytest.mark.parametrize("clock", TWINS)
@HALF
@given(data=st.data())
def test_what_is_found_in_any_timestamps_is_what_brute_force_finds(
    clock: str, data: st.DataObject
) -> None:
    world = data.draw(unruly_with(clock))
    events = events_of(world)
    if not events:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        _, event = events[data.draw(st.integers(0, len(events) - 1))]
        event.clock = event.clock | {clock: _changed(event.clock[clock], data)}
    truth, run = Truth.of(world, clock), run_of(world)
    _agrees(truth, run, clock)
    kinds = Counter(violation.check for violation in evaluate(run).verdict.violations)
    assert bool(kinds["clock_condition"]) == bool((truth.causal & ~truth.ordered).any())


def _changed(stamp: Timestamp, data: st.DataObject) -> Timestamp:
    change = st.sampled_from([-5, -1, 0, 1, 5])
    if isinstance(stamp, int):
        return stamp + data.draw(change)
    return tuple(number + data.draw(change) for number in stamp)


def _agrees(truth: Truth, run: Run, clock: str) -> None:
    found = examined(Evidence(run))[clock]
    missed = truth.causal & ~truth.ordered
    claimed = truth.ordered & ~truth.causal
    assert bool(len(found.unordered)) == missed.any()
    assert all(missed[before, row] for before, row in found.unordered)
    if found.overclaimed is not None:
        assert bool(len(found.overclaimed)) == claimed.any()
        assert all(claimed[before, row] for before, row in found.overclaimed)
    machine = run.events["machine"]
    along_machines = [
        missed[row - 1, row] for row in range(1, len(missed)) if machine[row - 1] == machine[row]
    ]
    can_tell = is_strong(clock) and not any(along_machines)
    assert (found.overclaimed is not None) == can_tell
    assert found.claim
    if found.claim.ordered is not None:
        both = truth.concurrent & (truth.ordered | truth.ordered.T)
        assert found.claim.ordered == both.sum() // 2
    elif not is_strong(clock):
        assert missed.any()
