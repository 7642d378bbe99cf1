"""The least that violates each check, and that nothing else does."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings

import by_hand
from analysis.checks import CHECKS
from analysis.checks.account import Account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from by_hand import internal, loaded, logs_of, receive, send, violations
from histories import World, worlds
from vm.records import Event, Stop, Unread

Logs = dict[str, list[Event]]
Stops = dict[str, Stop | None]
#: A history, and the rows that a check has to find in it: machine, index, part of the reason.
Case = tuple[Logs, Stops, list[tuple[str, int, str]]]

#: A few events are less than all that was due: these runs were ended early.
stop = partial(by_hand.stop, reason="terminated")


def run_of(
    directory: Path, logs: Mapping[str, Sequence[Event]], stops: Stops | None = None, **spec: object
) -> Run:
    ends = {machine: stop(len(events)) for machine, events in logs.items()}
    return by_hand.run_of(directory, logs, ends | (stops or {}), **spec)


def late(event: Event, **fields: int) -> Event:
    """The event with other times, tick or queue than it would have."""
    return replace(event, **fields)


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
            {"vm1": [], "vm2": [internal(10, 1), receive(20, 7, "vm1", 5)]},
            {},
            [("vm2", 1, "received event 5 of vm1")],
        ),
        ({"vm1": [receive(20, 2, "vm9", 0)]}, {}, [("vm1", 0, "received event 0 of vm9")]),
    ],
    "not_addressed": [
        (
            {"vm1": [send(10, 1, "vm3")], "vm2": RECEIVED, "vm3": []},
            {"vm3": stop(0, inbox=[("vm1", 0)])},
            [("vm2", 0, "received event 0 of vm1, which was sent to vm3")],
        ),
        (
            {"vm1": [send(10, 1, "vm3", "vm9")], "vm2": RECEIVED, "vm3": []},
            {},
            [("vm2", 0, "which was sent to vm3, an unknown machine")],
        ),
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
        ({"vm1": LOST, "vm2": RECEIVED}, {}, [("vm2", 0, "lists it as lost")]),
        (
            {"vm1": DOUBLED, "vm2": [receive(at, at, "vm1", 0) for at in (20, 30, 40)]},
            {},
            [("vm2", 2, "2 times before")],
        ),
    ],
    "fifo_violation": [
        (
            {
                "vm1": [send(10, 1, "vm2"), send(20, 2, "vm2")],
                "vm2": [receive(30, 3, "vm1", 1), receive(40, 4, "vm1", 0)],
            },
            {},
            [("vm2", 1, "received event 0 of vm1 after event 1, which was sent later")],
        ),
        (
            {
                "vm1": [send(10, 1, "vm2"), send(20, 2, "vm2")],
                "vm2": [receive(30, 3, "vm1", 1)],
            },
            {"vm2": stop(1, inbox=[("vm1", 0)])},
            [("vm1", 0, "left behind, but vm2 received the one of event 1, which was sent later")],
        ),
    ],
    "index_gap": [
        (
            {"vm1": [internal(10, 1), internal(20, 2, index=2)]},
            {"vm1": stop(3)},
            [("vm1", 2, "expected event 1")],
        ),
        ({"vm1": [internal(10, 1, index=1)]}, {"vm1": None}, [("vm1", 1, "expected event 0")]),
        (
            {"vm1": [internal(10, 1), internal(20, 2), internal(30, 3, index=1)], "vm2": IDLE},
            {"vm1": stop(2)},
            [("vm1", 1, "expected event 2")],
        ),
        (
            {"vm1": [internal(10, 1), internal(20, 2)]},
            {"vm1": stop(3)},
            [("vm1", 1, "its log ends with event 1, its stop record counts 3")],
        ),
        (
            {"vm1": []},
            {"vm1": stop(1)},
            [("vm1", -1, "its log holds no event, its stop record counts 1")],
        ),
    ],
    "time_runs_back": [
        (
            {"vm1": [internal(20, 1), internal(10, 2), internal(30, 3)]},
            {},
            [("vm1", 1, "it was at 0.00000001 s, the event before it at 0.00000002 s")],
        ),
        (
            {"vm1": SENT, "vm2": [replace(RECEIVED[0], arrived_ns=21)]},
            {},
            [("vm2", 0, "received at 0.00000002 s a message that arrived at 0.000000021 s")],
        ),
    ],
    "causal_cycle": [
        (
            {
                "vm1": [receive(10, 5, "vm2", 1), send(20, 6, "vm2")],
                "vm2": [receive(30, 7, "vm1", 1), send(40, 8, "vm1")],
            },
            {},
            [("vm1", 0, "the messages form a causal cycle")],
        ),
        (
            {"vm1": [receive(10, 3, "vm1", 1), send(20, 4, "vm2")], "vm2": []},
            {"vm2": stop(0, inbox=[("vm1", 1)])},
            [("vm1", 0, "the messages form a causal cycle")],
        ),
    ],
    "ticks_missed": [
        (
            {"vm1": [late(internal(10, 1), tick=1), late(internal(20, 2), tick=1)]},
            {"vm1": stop(2, ticks_missed=1)},
            [("vm1", 1, "tick 1 came after tick 1")],
        ),
        (
            {"vm1": [late(internal(10, 1), due_ns=11)]},
            {},
            [("vm1", 0, "tick 0 was due at 11 ns and taken at 10 ns")],
        ),
        (
            {"vm1": [late(internal(10, 1), due_ns=-2_000_000_000)]},
            {},
            [("vm1", 0, "tick 0 was due at -2000000000 ns and taken at 10 ns")],
        ),
        (
            {"vm1": [late(internal(10, 1), tick=2)]},
            {"vm1": stop(1, ticks_missed=1)},
            [("vm1", 0, "its stop record counts 1 missed tick")],
        ),
        (
            {"vm1": IDLE},
            {"vm1": by_hand.stop(1)},
            [("vm1", 0, "its stop record counts 0 missed ticks")],
        ),
    ],
    "queue": [
        (
            {"vm1": [late(internal(10, 1), queue=2)]},
            {},
            [("vm1", 0, "it received nothing, with 2 messages in its inbox")],
        ),
        (
            {
                "vm1": [send(10, 1, "vm2"), send(11, 2, "vm2")],
                "vm2": [
                    late(receive(20, 2, "vm1", 0), arrived_ns=12),
                    late(receive(30, 3, "vm1", 1), arrived_ns=13),
                ],
            },
            {},
            [("vm2", 0, "its queue is 0 long, -1 against 2 arrivals less 1 receive")],
        ),
        (
            {
                "vm1": [send(10, 1, "vm2"), send(11, 2, "vm2")],
                "vm2": [
                    late(receive(20, 2, "vm1", 0, queue=1), arrived_ns=14),
                    late(receive(30, 3, "vm1", 1), arrived_ns=13),
                ],
            },
            {},
            [("vm2", 1, "a message that arrived at 13 ns after one that arrived at 14 ns")],
        ),
        # What waits in the end has waited since it arrived.
        (
            {"vm1": SENT, "vm2": [internal(900, 1)]},
            {"vm2": Stop("terminated", 1, 0, 0, (Unread("vm1", 0, 800),), ())},
            [("vm2", 0, "its queue is 0 long, -1 against 1 arrival less 0 receives")],
        ),
    ],
    "clock_rule": [
        ({"vm1": [internal(10, 2)]}, {}, [("vm1", 0, "lamport reads 2, but its own 0 make it 1")]),
        (
            {"vm1": SENT, "vm2": [internal(5, 1), internal(6, 2), receive(20, 2, "vm1", 0)]},
            {},
            [("vm2", 2, "lamport reads 2, but its own 2 and the message's 1 make it 3")],
        ),
        (
            {"vm1": [internal(10, (1, 1))], "vm2": [internal(10, (0, 1))]},
            {},
            [("vm1", 0, "vector reads [1, 1], but its own [0, 0] make it [1, 0]")],
        ),
    ],
    "clock_condition": [
        (
            {"vm1": [internal(10, 1), internal(20, 1)]},
            {},
            [("vm1", 1, "lamport reads 1, which does not come after 1 of the event before it")],
        ),
        (
            {"vm1": SENT, "vm2": [receive(20, 1, "vm1", 0)]},
            {},
            [("vm2", 0, "does not come after 1 of event 0 of vm1, whose message it received")],
        ),
    ],
    "strong_clock_condition": [
        (
            {"vm1": [internal(10, (1, 0))], "vm2": [internal(10, (1, 1))]},
            {},
            [("vm2", 0, "vector claims that event 0 of vm1 happened before it")],
        ),
    ],
    "schedule": [
        ({"vm1": IDLE}, {}, [("vm1", 0, "by seed and rate, not at 10 ns")]),
        (
            {"vm1": [replace(IDLE[0], tick=10**9)]},
            {"vm1": stop(1, ticks_missed=10**9)},
            [("vm1", 0, "tick 1000000000 is not within the run")],
        ),
    ],
    "unplanned_fault": [
        (
            {"vm1": LOST, "vm2": []},
            {},
            [("vm1", 0, "its message to vm2 is listed as lost, but no such fault was planned")],
        ),
        (
            {"vm1": DOUBLED, "vm2": []},
            {},
            [("vm1", 0, "its message to vm2 is listed as duplicated, but no such fault was")],
        ),
        (
            {"vm1": [replace(SENT[0], lost=("vm3",))], "vm2": [], "vm3": []},
            {},
            [("vm1", 0, "it lists a message to vm3 as lost, to which it sent none")],
        ),
    ],
    "replay": [
        (
            {"vm1": [send(n, n, "vm2", "vm3") for n in range(5)], "vm2": [], "vm3": []},
            {},
            [("vm1", 0, "not equal to its replay: the field to differs")],
        ),
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
            [("vm2", 0, "event 0 of vm1 to it was received and is in the inbox as well")],
        ),
        (
            {"vm1": IDLE, "vm2": []},
            {"vm2": stop(0, inbox=[("vm1", 0)])},
            [("vm2", -1, "it lists event 0 of vm1 in its inbox, which sent it nothing")],
        ),
        (
            {"vm1": IDLE, "vm2": []},
            {"vm1": stop(1, undelivered=[("vm2", 0)])},
            [("vm1", 0, "a message to vm2 is listed as undelivered but was never sent")],
        ),
        (
            {"vm1": SENT, "vm2": []},
            {"vm2": stop(0, inbox=[("vm1", 0), ("vm1", 0)])},
            [("vm2", -1, "the message of event 0 of vm1 to it is listed as inbox more than once")],
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
        run = run_of(tmp_path / str(number), logs, stops, clocks=list(_first(logs).clock))
        found = list(CHECKS[check].find(Evidence(run)))
        assert {(violation.machine, violation.index) for violation in found} == {
            (machine, index) for machine, index, _ in rows
        }
        for machine, index, because in rows:
            reasons = [v.because for v in found if (v.machine, v.index) == (machine, index)]
            assert any(because in reason for reason in reasons), reasons
        listed = evaluate(run).verdict.violations
        assert len(found) == sum(violation.check == check for violation in listed)
        assert {(v.check, v.run) for v in found} == {(check, run.name)}


def _first(logs: Logs) -> Event:
    """Any event; without one, an internal one."""
    return next((event for events in logs.values() for event in events), internal(0, 1))


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
    found = evaluate(run_of(tmp_path, FINE, stops)).verdict
    assert (violations(found), found.unchecked) == ([], ())
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
    found = evaluate(run_of(tmp_path, FINE, stops)).verdict
    assert violations(found) == []
    assert found.account == Account(
        sent=3, received=1, inbox=1, undelivered=1, lost=0, died=0, unaccounted=0
    )


def test_what_a_fault_lost_or_doubled_is_accounted_for(tmp_path: Path) -> None:
    doubled = [*RECEIVED, receive(30, 3, "vm1", 0)]
    for logs, account in (
        ({"vm1": LOST, "vm2": []}, {"sent": 1, "lost": 1}),
        ({"vm1": DOUBLED, "vm2": doubled}, {"sent": 2, "received": 2, "duplicated": 1}),
    ):
        found = evaluate(run_of(tmp_path / str(account), logs)).verdict
        assert violations(found) == []
        assert found.account
        assert {place: n for place, n in asdict(found.account).items() if n} == account


@pytest.mark.parametrize("killed", [("vm1",), ("vm2", "vm3"), ("vm1", "vm2", "vm3")])
def test_what_a_killed_machine_had_with_it_died(tmp_path: Path, killed: tuple[str, ...]) -> None:
    crashes = [{"kind": "crash", "machine": machine, "at_s": 1} for machine in killed]
    account = Account(sent=3, received=1, inbox=0, undelivered=0, lost=0, died=2, unaccounted=0)
    planned = evaluate(
        run_of(tmp_path / "planned", FINE, dict.fromkeys(killed), faults=crashes)
    ).verdict
    assert (violations(planned), planned.unchecked) == ([], ())
    assert planned.account == account
    # It may as well have been its log that was cut short.
    surprised = evaluate(run_of(tmp_path / "surprised", FINE, dict.fromkeys(killed))).verdict
    assert (violations(surprised), surprised.account) == ([], account)
    assert [reason.split()[0] for reason in surprised.unchecked] == list(killed)


@pytest.mark.parametrize("faults", [[], [{"kind": "crash", "machine": "vm1", "at_s": 1}]])
def test_what_a_log_without_an_end_lacks_may_have_been_cut_off(
    tmp_path: Path, faults: list[object]
) -> None:
    """After a planned crash one of the two logs was changed: which one, nothing shows."""
    run = run_of(tmp_path, {"vm1": [], "vm2": RECEIVED}, {"vm1": None}, faults=faults)
    found = evaluate(run).verdict
    assert not violations(found)
    crashed = "vm2 received events that the log of vm1 lacks: one was changed"
    (reason,) = found.unchecked
    assert reason == crashed if faults else "vm1 left no stop record" in reason


def test_without_every_log_nothing_is_called_fine(tmp_path: Path) -> None:
    run_of(tmp_path, FINE)
    (tmp_path / "vm1.jsonl").unlink()
    found = evaluate(load(tmp_path)).verdict
    assert (found.account, violations(found)) == (None, [])
    assert found.unchecked == ("there is no log of vm1: 1 receive of its messages",)
    assert dict(found.unknown)["accounting"] == "there is no log of vm1"


def test_a_damaged_line_is_named_as_unchecked_and_a_torn_last_one_is_not(tmp_path: Path) -> None:
    crash = {"kind": "crash", "machine": "vm2", "at_s": 1}
    run_of(tmp_path, {"vm1": IDLE, "vm2": IDLE}, {"vm2": None}, faults=[crash])
    with (tmp_path / "vm1.jsonl").open("a") as log:
        log.write("?\n")
    with (tmp_path / "vm2.jsonl").open("a") as log:
        log.write('{"kind":"internal","index":1')
    found = evaluate(load(tmp_path)).verdict
    assert violations(found) == []
    (unchecked,) = found.unchecked
    assert unchecked.startswith("vm1.jsonl:4 could not be used: not JSON")


def test_what_a_damaged_line_may_explain_is_no_violation(tmp_path: Path) -> None:
    logs = {"vm1": [*SENT, internal(11, 2)], "vm2": [internal(5, 1), *RECEIVED], "vm3": []}
    for machine, line in (("vm1", 2), ("vm2", 3)):
        run_of(tmp_path / machine, logs)
        log = tmp_path / machine / f"{machine}.jsonl"
        lines = log.read_text().splitlines(keepends=True)
        lines[line - 1] = "?\n"
        log.write_text("".join(lines))
        found = evaluate(load(tmp_path / machine)).verdict
        assert violations(found) == []
        (unchecked,) = found.unchecked
        assert unchecked.startswith(f"{machine}.jsonl:{line} could not be used")


def test_wall_clocks_that_disagree_are_no_violation(tmp_path: Path) -> None:
    logs = {
        "vm1": [send(100, 1, "vm2"), receive(130, 4, "vm2", 1)],
        "vm2": [receive(60, 2, "vm1", 0), send(70, 3, "vm1")],
    }
    found = evaluate(run_of(tmp_path, logs)).verdict
    assert (violations(found), found.unchecked) == ([], ())
    (offset,) = found.offsets
    assert (offset.sender, offset.receiver) == ("vm1", "vm2")
    assert (offset.least_ns, offset.most_ns) == (40, 60)
    assert [(line.machine, line.index, line.says) for line in offset.witness] == [
        ("vm1", 0, "sent at 100 ns"),
        ("vm2", 0, "arrived at 60 ns"),
    ]


def test_wall_clocks_that_no_constant_offset_explains_drift(tmp_path: Path) -> None:
    logs = {
        "vm1": [send(100, 1, "vm2"), receive(105, 4, "vm2", 1)],
        "vm2": [receive(60, 2, "vm1", 0), send(70, 3, "vm1")],
    }
    (offset,) = evaluate(run_of(tmp_path, logs)).verdict.offsets
    assert (offset.least_ns, offset.most_ns) == (40, 35)
    assert offset.because.endswith("but by messages back it is at most 35 ns behind, so they drift")


@settings(max_examples=60)
@given(world=worlds(kills=True))
def test_every_message_of_any_history_ends_in_exactly_one_place(world: World) -> None:
    found = evaluate(loaded(logs_of(world))).verdict
    logged = [event for events in world.events.values() for event in events]
    unchecked = () if logged else ("no check found a case to look at",)
    assert (found.violations, found.unchecked) == ((), unchecked)
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
