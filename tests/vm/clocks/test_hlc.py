"""The hybrid logical clock: what l and c are, and how far they go."""

from hypothesis import given
from hypothesis import strategies as st

from steps import ERROR_NS, Name, Step, Steps, drive, histories
from vm.clocks import clock_of

HLC = clock_of("hlc")
either = histories() | histories(stepped=True)


@given(history=either)
def test_l_is_the_greatest_physical_time_of_the_past(history: Steps) -> None:
    latest_ns = {step.name: step.physical_ns for step in history.steps}
    physical_ns = dict(latest_ns)
    for before, after in history.ordered():
        latest_ns[after] = max(latest_ns[after], physical_ns[before])
    read = drive(HLC, history).timestamps
    assert {event: known_ns for event, (known_ns, _) in read.items()} == latest_ns


@given(history=either)
def test_c_counts_the_longest_path_before_the_event_with_its_l(history: Steps) -> None:
    read, ordered = drive(HLC, history).timestamps, history.ordered()
    longest = dict[Name, int]()
    for step in history.steps:
        paths = [
            longest[before] + 1
            for before in longest
            if (before, step.name) in ordered and read[before][0] == read[step.name][0]
        ]
        longest[step.name] = max(paths, default=0)
    assert {event: c for event, (_, c) in read.items()} == longest


@given(history=either)
def test_l_is_ahead_of_the_physical_time_by_at_most_the_error_of_two_clocks(history: Steps) -> None:
    read = drive(HLC, history).timestamps
    for step in history.steps:
        assert 0 <= read[step.name][0] - step.physical_ns <= 2 * ERROR_NS


def in_rounds(history: Steps, offsets: list[int]) -> Steps:
    """Return a history in units of time, with as many events in a unit as each machine's clock
    allows that advances by one unit from event to event."""
    unit, seen, steps = 0, set[int](), list[Step]()
    for step in history.steps:
        if step.machine in seen:
            unit, seen = unit + 1, set()
        seen.add(step.machine)
        steps.append(step._replace(physical_ns=unit + offsets[step.machine]))
    return Steps(history.machines, tuple(steps))


@given(history=histories(max_machines=5), data=st.data())
def test_c_is_less_than_n_times_one_more_than_the_error(
    history: Steps, data: st.DataObject
) -> None:
    n, error = history.machines, data.draw(st.integers(0, 3))
    offsets = data.draw(st.lists(st.integers(0, error), min_size=n, max_size=n))
    for latest, count in drive(HLC, timed := in_rounds(history, offsets)).timestamps.values():
        assert count < n * (error + 1)
        assert latest <= max(step.physical_ns for step in timed.steps)


def test_c_reaches_its_bound() -> None:
    send, receive = Step(0, 0, 5, to=(1,)), Step(1, 0, 5, cause=(0, 0))
    assert drive(HLC, Steps(2, (send, receive))).timestamps[receive.name] == (5, 1)


def test_a_fast_clock_lends_its_time_until_the_others_have_caught_up() -> None:
    # Machine 0 is at 10 when it sends; the others begin at 0. As in the paper's example.
    history = Steps(
        3,
        (
            Step(0, 0, 10, to=(1,)),
            Step(1, 0, 1, cause=(0, 0)),
            Step(1, 1, 2, to=(2,)),
            Step(2, 0, 0),
            Step(2, 1, 3, cause=(1, 1)),
            Step(2, 2, 10),
            Step(2, 3, 11),
        ),
    )
    read = list(drive(HLC, history).timestamps.values())
    assert read == [(10, 0), (10, 1), (10, 2), (0, 0), (10, 3), (10, 4), (11, 0)]


def test_a_message_with_the_same_l_brings_the_greater_c() -> None:
    history = Steps(
        2,
        (
            Step(0, 0, 5),
            Step(0, 1, 5),
            Step(0, 2, 5, to=(1,)),
            Step(1, 0, 5),
            Step(1, 1, 5, cause=(0, 2)),
        ),
    )
    assert drive(HLC, history).timestamps[1, 1] == (5, 3)
