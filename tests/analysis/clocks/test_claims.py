"""Claims of clocks about pairs of events, against all pairs, one by one."""

from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.clocks import claims
from analysis.clocks.claims import Claims, Share, claims_of, sampled
from analysis.clocks.offline import Computed, compute
from analysis.clocks.orders import ORDERS
from analysis.clocks.walk import walk
from step_runs import name_of, run_of, steps_of
from steps import Name, Steps, drive, histories
from vm.clocks import CLOCKS, clock_of
from vm.clocks.lamport import Lamport

#: Clocks by the names that the tests use: each kind, and others that are not the default.
NAMES = list(CLOCKS)


class Counts(NamedTuple):
    causal: int
    lost: int
    reversed: int
    concurrent: int
    ordered: int


def counted_one_by_one(name: str, history: Steps) -> Counts:
    """Count over all pairs, with the clock's own `precedes` and timestamps."""
    clock, timestamps = clock_of(name), drive(clock_of(name), history).timestamps
    ordered = history.ordered()
    counts = dict.fromkeys(Counts._fields, 0)
    for a in timestamps:
        for b in timestamps:
            if a == b:
                continue
            claimed = clock.precedes(timestamps[a], timestamps[b])
            back = clock.precedes(timestamps[b], timestamps[a])
            if (a, b) in ordered:
                counts["causal"] += 1
                counts["lost"] += not claimed
                counts["reversed"] += back
            elif (b, a) not in ordered and a < b:
                counts["concurrent"] += 1
                counts["ordered"] += claimed or back
    return Counts(**counts)


def of(found: Claims) -> Counts:
    lost, reversed_, ordered = found.lost, found.reversed, found.ordered
    assert lost.of == reversed_.of
    return Counts(lost.of, lost.pairs, reversed_.pairs, ordered.of, ordered.pairs)


def computed(name: str, history: Steps) -> Computed:
    return compute(name, walk(run_of(history)))


def by_name(found: Computed) -> dict[Name, object]:
    known = found.walk.known
    names = [known.name(row) for row in found.rows.tolist()]
    machines = {name_of(m): m for m in range(len(known.machines))}
    return {(machines[m], index): t for (m, index), t in zip(names, found.timestamps, strict=True)}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_timestamps_are_those_of_the_rules(name: str, data: st.DataObject) -> None:
    history = data.draw(histories(fifo=clock_of(name).needs_fifo, max_steps=100))
    assert by_name(computed(name, history)) == drive(clock_of(name), history).timestamps


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_exact_counts_are_those_of_all_pairs(name: str, data: st.DataObject) -> None:
    history = data.draw(histories(fifo=clock_of(name).needs_fifo, max_steps=60))
    found = claims_of(computed(name, history))
    assert not found.lost.sampled
    assert of(found) == counted_one_by_one(name, history)


def random_history(seed: int, machines: int = 4, events: int = 200) -> Steps:
    """Return a history in which every third event receives a message of the last ten events."""
    random = Random(seed)
    acts = list[tuple[int, list[int], Name | None]]()
    counts, sent = [0] * machines, list[tuple[Name, int]]()
    for _ in range(events):
        me = random.randrange(machines)
        mine = [name for name, to in sent[-10:] if to == me]
        if mine and random.random() < 0.5:
            acts.append((me, [], random.choice(mine)))
        else:
            to = random.choice([m for m in range(machines) if m != me])
            acts.append((me, [to], None))
            sent.append(((me, counts[me]), to))
        counts[me] += 1
    return steps_of(machines, *acts)


def shares(found: Claims) -> list[Share]:
    return [found.lost, found.reversed, found.ordered]


@pytest.mark.parametrize("name", ["lamport", "direct"])
def test_intervals_of_samples_contain_the_exact_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SAMPLED", 500)
    found = computed(name, random_history(1))
    exact = claims_of(found)
    hits, tries = 0, 0
    for seed in range(200):
        estimate = sampled(found, seed)
        for one, true in zip(shares(estimate), shares(exact), strict=True):
            assert one.of == true.of
            assert 0 < one.sampled < 500
            assert 0 <= one.low <= one.pairs <= one.high <= one.of
            hits += one.low <= true.pairs <= one.high
            tries += 1
    # Intervals of 95 %.
    assert hits >= 0.93 * tries


def test_a_history_that_is_too_big_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MAX_COMPARED_NUMBERS", 100)
    monkeypatch.setattr(claims, "MAX_COMPARISONS", 100)
    for name in ("lamport", "matrix"):
        assert claims_of(computed(name, random_history(1))).ordered.sampled


def test_times_that_step_back_are_sampled() -> None:
    """An event of vm1 with a later time than its next one: what precedes is no prefix."""
    events = list(random_history(1).steps)
    back = [step._replace(physical_ns=step.physical_ns % 7000) for step in events]
    history = Steps(4, tuple(back))
    found = claims_of(computed("wall", history))
    assert found.lost.sampled
    truth = counted_one_by_one("wall", history)
    for one, true in zip(shares(found), (truth.lost, truth.reversed, truth.ordered), strict=True):
        assert one.low <= true <= one.high


def test_equal_times_of_one_machine_are_lost_pairs() -> None:
    events = [
        step._replace(physical_ns=step.physical_ns // 3000) for step in random_history(1).steps
    ]
    history = Steps(4, tuple(events))
    found = claims_of(computed("wall", history))
    assert of(found) == counted_one_by_one("wall", history)
    assert found.lost.pairs


class Cyclic(Lamport):
    """Orders numbers by their remainders: this is not transitive."""

    def precedes(self, a: int, b: int) -> bool:
        return 0 < (b - a) % 16 < 8


@pytest.mark.parametrize("as_lamport", [True, False])
def test_claims_that_are_no_prefixes_are_sampled(
    as_lamport: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither keys that are not the clock's order, nor walks along the machines, hide it."""
    monkeypatch.setitem(CLOCKS, "cyclic", Cyclic)
    if as_lamport:
        monkeypatch.setitem(ORDERS, "cyclic", ORDERS["lamport"])
    history = random_history(1)
    found = claims_of(computed("cyclic", history))
    truth = counted_one_by_one("cyclic", history)
    assert found.ordered.sampled
    for one, true in zip(shares(found), (truth.lost, truth.reversed, truth.ordered), strict=True):
        assert one.low <= true <= one.high


@pytest.mark.parametrize("name", NAMES)
def test_few_events_have_few_pairs(name: str) -> None:
    assert of(claims_of(computed(name, steps_of(2)))) == (0, 0, 0, 0, 0)
    assert of(claims_of(computed(name, steps_of(2, (1, [], None))))) == (0, 0, 0, 0, 0)
