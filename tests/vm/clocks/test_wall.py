"""Physical time alone: what it reads, and what it gets wrong."""

from hypothesis import given

from steps import Step, Steps, drive, histories
from vm.clocks import clock_of

MS = 1_000_000


@given(history=histories() | histories(stepped=True))
def test_a_timestamp_is_the_physical_time(history: Steps) -> None:
    read = drive(clock_of("wall"), history).timestamps
    assert read == {step.name: step.physical_ns for step in history.steps}


def test_a_receive_seems_to_precede_its_send_if_the_receiver_is_behind() -> None:
    send, receive = Step(0, 0, 9 * MS, to=(1,)), Step(1, 0, 5 * MS, cause=(0, 0))
    read = drive(clock_of("wall"), Steps(2, (send, receive))).timestamps
    assert clock_of("wall").precedes(read[receive.name], read[send.name])


def test_a_clock_that_steps_back_reorders_its_own_events() -> None:
    first, second = Step(0, 0, 9 * MS), Step(0, 1, 5 * MS)
    read = drive(clock_of("wall"), Steps(2, (first, second))).timestamps
    assert clock_of("wall").precedes(read[second.name], read[first.name])
