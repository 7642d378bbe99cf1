"""The replay clock: its epochs, its counts, its order, and its size."""

from random import Random

import pytest
from hypothesis import given

from examples import PAIRED_STEPS
from steps import Name, Step, Steps, drive, histories
from vm.clocks import clock_of

MS = 1_000_000
#: Epochs of one event and of many, and an epsilon of one epoch and of many.
CLOCKS = ["repcl:1000:1000", "repcl:1000:7000", "repcl:5000:40000", "repcl:20000:40000"]
every_clock = pytest.mark.parametrize("name", CLOCKS)
either = histories(max_steps=PAIRED_STEPS) | histories(stepped=True, max_steps=PAIRED_STEPS)


def numbers(name: str) -> tuple[int, int]:
    """Return the length of an epoch in nanoseconds, and epsilon in epochs."""
    _, interval_us, error_us = name.split(":")
    return int(interval_us) * 1000, -(-int(error_us) // int(interval_us))


def pasts(history: Steps) -> dict[Name, set[Name]]:
    """Return by event the events that happened before it, and itself."""
    past = {step.name: {step.name} for step in history.steps}
    for before, after in history.ordered():
        past[after].add(before)
    return past


@every_clock
@given(history=either)
def test_an_entry_is_the_latest_known_epoch_within_epsilon_of_all(
    name: str, history: Steps
) -> None:
    interval_ns, epsilon = numbers(name)
    epochs = {step.name: step.physical_ns // interval_ns + 1 for step in history.steps}
    read, past = drive(clock_of(name), history).timestamps, pasts(history)
    for event, (entries, _) in read.items():
        least = max(epochs[known] for known in past[event]) - epsilon
        for machine, entry in enumerate(entries):
            known = [epochs[before] for before in past[event] if before[0] == machine]
            assert entry == max([0, least, *known])


@every_clock
@given(history=either)
def test_a_count_is_the_number_of_known_events_that_left_the_epochs_alone(
    name: str, history: Steps
) -> None:
    read, past = drive(clock_of(name), history).timestamps, pasts(history)
    alone = {
        event
        for event, (entries, _) in read.items()
        if any(read[before][0] == entries for before in past[event] - {event})
    }
    for event, (entries, counts) in read.items():
        same = [known for known in past[event] & alone if read[known][0] == entries]
        assert counts == tuple(
            sum(known[0] == machine for known in same) for machine in range(history.machines)
        )


@every_clock
@given(history=either)
def test_claims_are_causal_or_by_time_or_within_an_epoch(name: str, history: Steps) -> None:
    clock, (_, epsilon) = clock_of(name), numbers(name)
    read, ordered = drive(clock, history).timestamps, history.ordered()
    for a, (known_a, _) in read.items():
        for b, (known_b, _) in read.items():
            claim = clock.precedes(read[a], read[b])
            if max(known_a) + epsilon < max(known_b):
                assert claim
            elif claim and (a, b) not in ordered:
                own, machine = known_a[a[0]], a[0]
                assert own + epsilon <= max(known_b) or known_b[machine] == own


def test_offsets_of_at_least_epsilon_are_left_out() -> None:
    # Epochs of 1 ms, epsilon of 4 epochs.
    history = Steps(
        3,
        (
            Step(0, 0, 10 * MS, to=(1,)),
            Step(1, 0, 12 * MS, cause=(0, 0)),
            Step(1, 1, 12 * MS, to=(2,)),
            Step(2, 0, 11 * MS, cause=(1, 1)),
            Step(2, 1, 11 * MS),
            Step(2, 2, 14 * MS, to=(0,)),
        ),
    )
    clock = clock_of("repcl:1000:4000")
    driven = drive(clock, history)
    assert list(driven.timestamps.values()) == [
        ((11, 7, 7), (0, 0, 0)),
        ((11, 13, 9), (0, 0, 0)),
        ((11, 13, 9), (0, 1, 0)),
        ((11, 13, 12), (0, 0, 0)),
        ((11, 13, 12), (0, 0, 1)),
        ((11, 13, 15), (0, 0, 0)),
    ]
    # mx, the set of machines 1 and 2, the offsets 2 and 0 of two bits each, no count.
    assert clock.encode(driven.stamps[(2, 2), 0]) == bytes([15, 0b110, 0b0010, 0])


@pytest.mark.parametrize("interval_us", [1000, 250, 100])
def test_64_machines_within_1_ms_need_less_than_four_integers(interval_us: int) -> None:
    """The paper's figure: four integers are 32 bytes."""
    clock = clock_of(f"repcl:{interval_us}:1000")
    stamps = drive(clock, busy(64, 40)).stamps.values()
    sizes = [len(clock.encode(stamp)) for stamp in stamps]
    assert len(sizes) > 100
    assert max(sizes) < 32


def busy(machines: int, rounds: int) -> Steps:
    """Return a history with an event of each machine every 0.1 ms, a tenth of them sends with a
    latency of 0.1 ms, and physical clocks within 1 ms of each other."""
    random, steps = Random(1), list[Step]()
    fast_ns = [random.randint(0, MS) for _ in range(machines)]
    inbox: list[list[tuple[int, Name]]] = [[] for _ in range(machines)]
    for number in range(rounds):
        for me in range(machines):
            step = Step(me, number, 1000 * MS + number * MS // 10 + fast_ns[me])
            if inbox[me] and inbox[me][0][0] < number:
                step = step._replace(cause=inbox[me].pop(0)[1])
            elif random.random() < 0.1:
                to = (me + random.randint(1, machines - 1)) % machines
                inbox[to].append((number, step.name))
                step = step._replace(to=(to,))
            steps.append(step)
    return Steps(machines, tuple(steps))
