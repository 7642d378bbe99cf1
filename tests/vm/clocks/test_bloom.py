"""The Bloom clock: what its cells hold."""

from collections import Counter

import pytest
from hypothesis import given

from examples import PAIRED_STEPS
from steps import Step, Steps, drive, histories
from vm.clocks import clock_of
from vm.clocks.plausible.bloom import Bloom


def filter_of(clock: Bloom, events: list) -> Counter:
    """Return the counting filter of events: how often each cell is chosen."""
    return Counter(cell for machine, index in events for cell in clock.chosen(machine, index))


@pytest.mark.parametrize(("cells", "hashes"), [(64, 3), (7, 2), (1, 1)])
@given(history=histories(max_steps=PAIRED_STEPS))
def test_cells_are_between_the_filter_of_the_machine_and_that_of_the_past(
    cells: int, hashes: int, history: Steps
) -> None:
    clock = Bloom(cells, hashes)
    past = {step.name: [step.name] for step in history.steps}
    for before, after in history.ordered():
        past[after].append(before)
    for event, read in drive(clock, history).timestamps.items():
        most = filter_of(clock, past[event])
        least = filter_of(clock, [known for known in past[event] if known[0] == event[0]])
        assert all(least[cell] <= count <= most[cell] for cell, count in enumerate(read))


def test_each_event_adds_one_per_hash_function() -> None:
    clock = clock_of("bloom:64:3")
    history = Steps(2, tuple(Step(0, index, 0) for index in range(100)))
    sums = [sum(read) for read in drive(clock, history).timestamps.values()]
    assert sums == [3 * (index + 1) for index in range(100)]


def test_few_cells_order_concurrent_events() -> None:
    history = Steps(2, (Step(0, 0, 0), Step(1, 0, 0), Step(1, 1, 0)))
    one, _, two = drive(clock_of("bloom:1:1"), history).timestamps.values()
    assert clock_of("bloom:1:1").precedes(one, two)
    one, _, two = drive(clock_of("bloom:10000:4"), history).timestamps.values()
    assert not clock_of("bloom:10000:4").precedes(one, two)
