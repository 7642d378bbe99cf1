"""The R-entries vector clock between Lamport's clock and the vector clock."""

from hypothesis import given

from steps import Step, Steps, drive, histories
from vm.clocks import clock_of


@given(history=histories())
def test_with_an_entry_for_each_machine_it_is_the_vector_clock(history: Steps) -> None:
    assert drive(clock_of(f"rev:{history.machines}"), history).timestamps == history.vectors()


@given(history=histories())
def test_with_one_entry_it_is_lamports_clock(history: Steps) -> None:
    read = drive(clock_of("rev:1"), history).timestamps
    times = drive(clock_of("lamport"), history).timestamps
    assert read == {event: (time,) for event, time in times.items()}


def test_machines_of_the_same_remainder_share_an_entry() -> None:
    # Machines 0 and 2 share entry 0: their concurrent events are ordered, those of 0 and 1 are not.
    rev = clock_of("rev:2")
    history = Steps(3, (Step(0, 0, 0), Step(1, 0, 0), Step(2, 0, 0), Step(2, 1, 0)))
    first, second, third, fourth = drive(rev, history).timestamps.values()
    assert (first, second, third, fourth) == ((1, 0), (0, 1), (1, 0), (2, 0))
    assert rev.precedes(first, fourth)
    assert not rev.precedes(first, third)
    assert not rev.precedes(second, fourth)
