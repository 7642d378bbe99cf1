"""Histories as steps: their order, their messages, their physical times."""

from dataclasses import replace

import polars as pl
from hypothesis import given

from analysis.clocks.offline import compute
from analysis.clocks.walk import Walk, walk
from analysis.history.run import Run
from step_runs import run_of, steps_of
from steps import Steps, histories


def with_columns(run: Run, **columns: pl.Series) -> Run:
    return replace(run, scan=run.events.with_columns(**columns).lazy())


def timestamps(name: str, run: Run) -> list[object]:
    return compute(name, walk(run)).by_row


@given(history=histories())
def test_steps_come_in_an_order_that_causality_allows(history: Steps) -> None:
    for timed in (True, False):
        found = walk(run_of(history, timed=timed))
        place = {row: n for n, row in enumerate(found.order.tolist())}
        receives, sends = found.known.messages
        assert sorted(place) == list(range(len(history.steps)))
        messages = zip(sends.tolist(), receives.tolist(), strict=True)
        assert all(place[send] < place[receive] for send, receive in messages)
        follows = found.known.machine[1:] == found.known.machine[:-1]
        assert all(place[row] < place[row + 1] for row in follows.nonzero()[0].tolist())


def test_steps_come_in_the_order_of_times_if_these_allow_it() -> None:
    run = run_of(steps_of(2, (1, [], None), (1, [], None), (0, [], None)))
    assert walk(run).order.tolist() == [1, 2, 0]


def test_times_that_contradict_a_message_give_no_order() -> None:
    history = steps_of(2, (0, [1], None), (1, [], (0, 0)))
    run = with_columns(run_of(history), at_ns=pl.Series([1000, 0]))
    assert walk(run).order.tolist() == [0, 1]


def test_the_events_times_stand_in_for_physical_times() -> None:
    run = run_of(steps_of(2, (0, [], None), (0, [], None)))
    assert timestamps("lamport", run) == [1, 2]
    assert walk(run).physical_ns.tolist() == [0, 1000]
    lacking = with_columns(run, at_ns=pl.Series([0, None], dtype=pl.Int64))
    assert walk(lacking).physical_ns is None


def test_a_receive_without_a_known_send_is_an_internal_event() -> None:
    history = steps_of(2, (0, [1], None), (0, [1], None), (1, [], (0, 1)), (1, [], (0, 0)))
    run = with_columns(run_of(history), cause=pl.Series([None, None, 7, 0], dtype=pl.Int64))
    assert timestamps("vector", run) == [(1, 0), (2, 0), (0, 1), (1, 2)]


def test_a_message_that_its_send_does_not_list_is_stamped() -> None:
    history = steps_of(3, (0, [1], None), (2, [], (0, 0)))
    assert timestamps("vector", run_of(history)) == [(1, 0, 0), (1, 0, 1)]


def test_an_event_that_receives_several_messages_learns_from_all() -> None:
    history = steps_of(3, (0, [2], None), (1, [2], None), (2, [], (0, 0)), (2, [], None))
    run = replace(run_of(history), joined=((2, 1),))
    assert walk(run).uses.tolist() == [1, 1]
    # A receive for each message.
    assert timestamps("vector", run) == [(1, 0, 0), (0, 1, 0), (1, 1, 2), (1, 1, 3)]


def test_a_message_to_a_machine_outside_the_run_is_left_out() -> None:
    history = steps_of(2, (0, [1], None), (1, [], (0, 0)))
    run = with_columns(run_of(history), to=pl.Series([["vm9", "vm2"], None]))
    found: Walk = walk(run)
    assert found.receiver.tolist() == [1]
    assert timestamps("vector", run) == [(1, 0), (1, 1)]
