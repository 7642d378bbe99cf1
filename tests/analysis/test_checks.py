"""The least that violates each check, and that nothing else does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.checks import CHECKS, Account, verdict
from analysis.events import load
from by_hand import internal, loaded, logs_of, receive, run_of, send, stop, write_run
from histories import World, worlds
from vm.records import Event, Record, Stop

Logs = dict[str, list[Event]]
Stops = dict[str, Stop | None]
#: A history, and the rows that a check has to find in it: machine, index, part of the reason.
Case = tuple[Logs, Stops, list[tuple[str, int, str]]]

SENT = [send(10, 1, "vm2")]
LOST = [replace(SENT[0], lost=("vm2",))]
DOUBLED = [replace(SENT[0], duplicated=("vm2",))]
IDLE = [internal(10, 1)]
RECEIVED = [receive(20, 2, "vm1", 0)]

VIOLATED: dict[str, list[Case]] = {
    "receive_without_send": [
        (
            {"vm1": IDLE, "vm2": RECEIVED},
            {},
            [("vm2", 0, "received event 0 of vm1, which sent it nothing")],
        ),
        (
            {"vm1": [send(10, 1, "vm3")], "vm2": RECEIVED, "vm3": []},
            {"vm3": stop(0, inbox=[("vm1", 0)])},
            [("vm2", 0, "received event 0 of vm1, which sent it nothing")],
        ),
        (
            {"vm1": [], "vm2": [internal(10, 1), receive(20, 7, "vm1", 5)]},
            {},
            [("vm2", 1, "received event 5 of vm1")],
        ),
        ({"vm1": [receive(20, 2, "vm9", 0)]}, {}, [("vm1", 0, "received event 0 of vm9")]),
        # A killed machine's log has every event whose message can have left.
        ({"vm1": [], "vm2": RECEIVED}, {"vm1": None}, [("vm2", 0, "received event 0 of vm1")]),
    ],
    "received_twice": [
        (
            {"vm1": SENT, "vm2": [*RECEIVED, receive(30, 3, "vm1", 0)]},
            {},
            [("vm2", 1, "received event 0 of vm1 before")],
        ),
        (
            {"vm1": SENT, "vm2": [*RECEIVED, *(receive(at, at, "vm1", 0) for at in (30, 40))]},
            {"vm2": None},
            [("vm2", 1, "before"), ("vm2", 2, "before")],
        ),
        ({"vm1": LOST, "vm2": RECEIVED}, {}, [("vm2", 0, "says that it was lost")]),
        (
            {"vm1": DOUBLED, "vm2": [receive(at, at, "vm1", 0) for at in (20, 30, 40)]},
            {},
            [("vm2", 2, "2 times before")],
        ),
    ],
    "index_gap": [
        (
            {"vm1": [internal(10, 1), internal(20, 2, index=2)]},
            {"vm1": stop(3)},
            [("vm1", 2, "event 1 was to be next")],
        ),
        ({"vm1": [internal(10, 1, index=1)]}, {"vm1": None}, [("vm1", 1, "event 0 was to be")]),
        (
            {"vm1": [internal(10, 1), internal(20, 2), internal(30, 3, index=1)], "vm2": IDLE},
            {"vm1": stop(2)},
            [("vm1", 1, "event 2 was to be next")],
        ),
        (
            {"vm1": [internal(10, 1), internal(20, 2)]},
            {"vm1": stop(3)},
            [("vm1", 1, "its log ends with event 1, its stop record says 3 events")],
        ),
        ({"vm1": []}, {"vm1": stop(1)}, [("vm1", -1, "its stop record says 1 events")]),
    ],
    "accounting": [
        ({"vm1": SENT, "vm2": IDLE}, {}, [("vm1", 0, "its message to vm2 is nowhere")]),
        (
            {"vm1": [send(10, 1, "vm2", "vm3")], "vm2": RECEIVED, "vm3": []},
            {},
            [("vm1", 0, "its message to vm3 is nowhere")],
        ),
        (
            {"vm1": SENT, "vm2": RECEIVED},
            {"vm2": stop(1, inbox=[("vm1", 0)])},
            [("vm1", 0, "its message to vm2 was received and is in the inbox as well")],
        ),
        (
            {"vm1": IDLE, "vm2": []},
            {"vm2": stop(0, inbox=[("vm1", 0)])},
            [("vm1", 0, "a message to vm2 is listed as inbox but was never sent")],
        ),
        (
            {"vm1": IDLE, "vm2": []},
            {"vm1": stop(1, undelivered=[("vm2", 0)])},
            [("vm1", 0, "a message to vm2 is listed as undelivered but was never sent")],
        ),
        (
            {"vm1": SENT, "vm2": []},
            {"vm2": stop(0, inbox=[("vm1", 0), ("vm1", 0)])},
            [("vm1", 0, "its message to vm2 is listed as inbox more than once")],
        ),
        (
            {"vm1": SENT, "vm2": []},
            {"vm1": stop(1, undelivered=[("vm2", 0), ("vm2", 0)])},
            [("vm1", 0, "its message to vm2 is listed as undelivered more than once")],
        ),
    ],
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_finds_the_rows_that_must_not_exist(tmp_path: Path, check: str) -> None:
    for number, (logs, stops, rows) in enumerate(VIOLATED[check]):
        run = run_of(tmp_path / str(number), logs, stops)
        found = [v for v in verdict(run).violations if v.check == check]
        assert {(violation.machine, violation.index) for violation in found} == {
            (machine, index) for machine, index, _ in rows
        }
        for machine, index, because in rows:
            reasons = [v.because for v in found if (v.machine, v.index) == (machine, index)]
            assert any(because in reason for reason in reasons)


#: A message for every place: received, in an inbox, undelivered.
FINE = {
    "vm1": [send(10, 1, "vm2"), internal(20, 2), send(30, 3, "vm2", "vm3")],
    "vm2": [receive(40, 2, "vm1", 0), internal(50, 3)],
    "vm3": [internal(15, 1)],
}


def test_a_run_in_which_every_message_ends_somewhere_is_fine(tmp_path: Path) -> None:
    stops = {
        "vm1": stop(3, undelivered=[("vm2", 2)]),
        "vm3": stop(1, inbox=[("vm1", 2)]),
    }
    found = verdict(run_of(tmp_path, FINE, stops))
    assert (found.violations, found.unchecked) == ((), ())
    assert found.account == Account(
        sent=3, received=1, inbox=1, undelivered=1, lost=0, died=0, unaccounted=0
    )


def test_a_message_of_which_only_the_acknowledgement_was_lost_counts_where_it_arrived(
    tmp_path: Path,
) -> None:
    stops = {
        "vm1": stop(3, undelivered=[("vm2", 0), ("vm2", 2), ("vm3", 2)]),
        "vm3": stop(1, inbox=[("vm1", 2)]),
    }
    found = verdict(run_of(tmp_path, FINE, stops))
    assert found.violations == ()
    assert found.account == Account(
        sent=3, received=1, inbox=1, undelivered=1, lost=0, died=0, unaccounted=0
    )


def test_what_a_fault_lost_or_doubled_is_accounted_for(tmp_path: Path) -> None:
    doubled = [*RECEIVED, receive(30, 3, "vm1", 0)]
    for logs, account in (
        ({"vm1": LOST, "vm2": []}, {"sent": 1, "lost": 1}),
        ({"vm1": DOUBLED, "vm2": doubled}, {"sent": 2, "received": 2}),
    ):
        found = verdict(run_of(tmp_path / str(account), logs))
        assert found.violations == ()
        assert found.account
        assert {place: n for place, n in asdict(found.account).items() if n} == account


@pytest.mark.parametrize("killed", [("vm1",), ("vm2", "vm3"), ("vm1", "vm2", "vm3")])
def test_what_a_killed_machine_had_with_it_died(tmp_path: Path, killed: tuple[str, ...]) -> None:
    found = verdict(run_of(tmp_path, FINE, dict.fromkeys(killed)))
    assert (found.violations, found.unchecked) == ((), ())
    assert found.account == Account(
        sent=3, received=1, inbox=0, undelivered=0, lost=0, died=2, unaccounted=0
    )


def test_without_every_log_nothing_is_called_fine_or_violated(tmp_path: Path) -> None:
    write_run(tmp_path, FINE)
    (tmp_path / "vm3.jsonl").unlink()
    found = verdict(load(tmp_path))
    assert (found.account, found.violations) == (None, ())
    assert found.unchecked == ("there is no log of vm3",)


def test_a_damaged_line_is_named_as_unchecked_and_a_torn_last_one_is_not(tmp_path: Path) -> None:
    write_run(tmp_path, {"vm1": IDLE, "vm2": IDLE}, {"vm2": None})
    with (tmp_path / "vm1.jsonl").open("a") as log:
        log.write("?\n")
    with (tmp_path / "vm2.jsonl").open("a") as log:
        log.write('{"kind":"internal","index":1')
    found = verdict(load(tmp_path))
    assert found.violations == ()
    (unchecked,) = found.unchecked
    assert unchecked.startswith("vm1.jsonl:4 could not be used: not JSON")


@settings(max_examples=60)
@given(world=worlds(kills=True))
def test_every_message_of_any_history_ends_in_exactly_one_place(world: World) -> None:
    found = verdict(loaded(logs_of(world)))
    assert (found.violations, found.unchecked) == ((), ())
    logged = [event for events in world.events.values() for event in events]
    sent = sum(len(event.to) for event in logged)
    received = sum(event.kind == "receive" for event in logged)
    living = [machine for machine in world.spec.machines if machine not in world.killed]
    inbox = sum(len(world.machines[machine].inbox) for machine in living)
    undelivered = sum(
        len(messages) for (sender, _), messages in world.in_flight.items() if sender in living
    )
    died = sent - received - inbox - undelivered
    assert found.account == Account(
        sent, received, inbox, undelivered, lost=0, died=died, unaccounted=0
    )
    assert died == 0 or world.killed


Mutation = Callable[[st.DataObject, dict[str, list[Record]]], None]


def drop_an_event(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    machine, position, _ = _some_event(data, logs)
    del logs[machine][position]


def receive_again(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    """As if it had happened so: the events after it count on, and the stop record knows."""
    machine, position, event = _some_event(data, logs, "receive")
    *after, end = logs[machine][position:]
    later = [replace(e, index=e.index + 1) for e in after if isinstance(e, Event)]
    assert isinstance(end, Stop)
    logs[machine][position:] = [event, *later, replace(end, events=end.events + 1)]


def change_a_cause(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    machine, position, event = _some_event(data, logs, "receive")
    causes = [index for index in range(len(logs[event.sender])) if index != event.cause]
    logs[machine][position] = replace(event, cause=data.draw(st.sampled_from(causes)))


def change_a_sender(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    machine, position, event = _some_event(data, logs, "receive")
    others = [other for other in [*logs, "vm99"] if other != event.sender]
    logs[machine][position] = replace(event, sender=data.draw(st.sampled_from(others)))


def change_a_receiver(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    machine, position, event = _some_event(data, logs, "send")
    others = [other for other in [*logs, "vm99"] if other not in event.to]
    to = (data.draw(st.sampled_from(others)), *event.to[1:])
    logs[machine][position] = replace(event, to=to)


def forget_an_unread_message(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    _forget(data, logs, "inbox")


def forget_an_undelivered_message(data: st.DataObject, logs: dict[str, list[Record]]) -> None:
    _forget(data, logs, "undelivered")


def _some_event(
    data: st.DataObject, logs: dict[str, list[Record]], *kinds: str
) -> tuple[str, int, Event]:
    events = [
        (machine, position, event)
        for machine, log in logs.items()
        for position, event in enumerate(log)
        if isinstance(event, Event) and (not kinds or event.kind in kinds)
    ]
    assume(events)
    return data.draw(st.sampled_from(events))


def _forget(data: st.DataObject, logs: dict[str, list[Record]], where: str) -> None:
    ends = {machine: log[-1] for machine, log in logs.items() if getattr(log[-1], where)}
    assume(ends)
    machine = data.draw(st.sampled_from(sorted(ends)))
    end = ends[machine]
    assert isinstance(end, Stop)
    logs[machine][-1] = replace(end, **{where: getattr(end, where)[1:]})


#: How a history can be spoilt, and the checks of which one at least has to say so.
MUTATIONS: dict[Mutation, set[str]] = {
    drop_an_event: {"index_gap"},
    receive_again: {"received_twice"},
    change_a_cause: {"receive_without_send", "received_twice", "accounting"},
    change_a_sender: {"receive_without_send", "received_twice", "accounting"},
    change_a_receiver: {"accounting"},
    forget_an_unread_message: {"accounting"},
    forget_an_undelivered_message: {"accounting"},
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@settings(max_examples=20)
@given(world=worlds(), data=st.data())
def test_a_spoilt_history_is_violated(
    mutation: Mutation, world: World, data: st.DataObject
) -> None:
    logs = logs_of(world)
    mutation(data, logs)
    found = Counter(violation.check for violation in verdict(loaded(logs)).violations)
    assert found.keys() & MUTATIONS[mutation]
