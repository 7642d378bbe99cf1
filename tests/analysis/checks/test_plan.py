"""Runs against their spec: schedule, faults, draws; and which log is blamed for what."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analysis.checks import repetition
from analysis.evaluation import evaluate
from by_hand import loaded
from orchestrator.virtual.simulation import simulate
from vm.records import Event, Record, Recovery, Start, Stop
from vm.spec import Spec

Logs = dict[str, list[Record]]

SPEC = {
    "duration_s": 20,
    "ticks": [4, 9],
    "clocks": ["lamport", "vector"],
    "seed": 3,
    "faults": [
        {"kind": "restart", "machine": "vm1", "at_s": 5, "until_s": 8},
        {"kind": "crash", "machine": "vm2", "at_s": 12},
        {"kind": "pause", "machine": "vm3", "at_s": 3, "until_s": 4},
    ],
}


@pytest.fixture
def logs() -> Logs:
    return simulate(Spec.parse(SPEC), "planned")


def found_in(logs: Logs) -> set[tuple[str, str]]:
    """The violated checks, each with the machine that it blames."""
    return {(v.check, v.machine) for v in evaluate(loaded(logs)).verdict.violations}


def last(logs: Logs, machine: str, *kinds: str) -> int:
    return max(n for n, r in enumerate(logs[machine]) if isinstance(r, Event) and r.kind in kinds)


def change(logs: Logs, machine: str, n: int, **fields: Any) -> None:
    logs[machine][n] = replace(logs[machine][n], **fields)  # type: ignore[type-var]


def among_hosts(logs: Logs) -> Logs:
    """The same logs, but with an epoch of wall time."""
    return {
        machine: [replace(r, epoch_unix_ns=10**18) if isinstance(r, Start) else r for r in log]
        for machine, log in logs.items()
    }


def test_a_run_that_follows_its_plan_is_fine(logs: Logs) -> None:
    assert found_in(logs) == set()
    assert found_in(among_hosts(logs)) == set()


def test_a_tick_is_due_when_seed_and_rate_put_it(logs: Logs) -> None:
    n = last(logs, "vm3", "internal")
    change(logs, "vm3", n, due_ns=logs["vm3"][n].due_ns - 1)  # type: ignore[union-attr]
    assert found_in(among_hosts(logs)) == {("schedule", "vm3")}


def test_all_ticks_with_other_numbers_are_off_the_schedule(logs: Logs) -> None:
    logs["vm3"] = [replace(r, tick=r.tick + 3) if isinstance(r, Event) else r for r in logs["vm3"]]
    assert ("schedule", "vm3") in found_in(among_hosts(logs))


def test_in_virtual_time_no_tick_is_left_out(logs: Logs) -> None:
    log, n = logs["vm2"], last(logs, "vm2", "internal", "send", "receive")
    assert n == len(log) - 1
    del log[n]
    assert ("schedule", "vm2") in found_in(logs)
    assert {machine for _, machine in found_in(logs)} == {"vm2"}


@pytest.mark.parametrize("make", [lambda logs: logs, among_hosts])
def test_a_machine_does_nothing_after_its_crash(logs: Logs, make: Callable[[Logs], Logs]) -> None:
    spec = Spec.parse(SPEC)
    tick = spec.schedule("vm2").ticks_before(15 * 10**9)
    due_ns, before = spec.schedule("vm2").due_ns(tick), logs["vm2"][-1]
    assert isinstance(before, Event)
    clock = {"lamport": before.clock["lamport"] + 1, "vector": list(before.clock["vector"])}  # type: ignore[operator, arg-type]
    clock["vector"][1] += 1  # type: ignore[index, operator]
    again = Event("internal", before.index + 1, tick, due_ns, due_ns, 0, clock)  # type: ignore[arg-type]
    logs["vm2"].append(again)
    assert ("unplanned_fault", "vm2") in found_in(make(logs))


def test_a_machine_returns_only_as_planned(logs: Logs) -> None:
    n = last(logs, "vm3", "internal")
    logs["vm3"].insert(n + 1, Recovery(logs["vm3"][n].at_ns, n))  # type: ignore[union-attr]
    assert ("unplanned_fault", "vm3") in found_in(logs)
    # Real machines may be killed and started again by hand.
    found = evaluate(loaded(among_hosts(logs))).verdict
    assert (found.state, found.violations) == ("inconclusive", ())
    (reason,) = found.unchecked
    assert reason == f"vm3.jsonl:{n + 2}: vm3 was killed and came back, and no restart was planned"


def test_a_machine_that_was_to_crash_does_not_stop(logs: Logs) -> None:
    events = sum(isinstance(r, Event) for r in logs["vm2"])
    logs["vm2"].append(Stop("finished", events, 0, 0, (), ()))
    assert ("unplanned_fault", "vm2") in found_in(among_hosts(logs))


@pytest.mark.parametrize("how", ["lost", "duplicated"])
def test_only_a_planned_fault_loses_or_duplicates(logs: Logs, how: str) -> None:
    n = last(logs, "vm1", "send")
    change(logs, "vm1", n, **{how: logs["vm1"][n].to[:1]})  # type: ignore[union-attr]
    found = found_in(logs)
    assert {("unplanned_fault", "vm1"), ("replay", "vm1")} <= found
    assert {machine for _, machine in found} == {"vm1"}


def test_a_send_that_was_changed_is_not_blamed_on_its_receivers(logs: Logs) -> None:
    n = last(logs, "vm1", "send")
    change(logs, "vm1", n, kind="internal", to=())
    found = found_in(logs)
    assert {("replay", "vm1"), ("receive_without_send", "vm1")} <= found
    assert {machine for _, machine in found} == {"vm1"}


def test_a_message_that_is_missing_from_an_inbox_is_not_blamed_on_its_sender() -> None:
    logs = simulate(Spec.parse({"duration_s": 10, "ticks": [1, 9], "seed": 2}), "left")
    machine = next(m for m, log in logs.items() if isinstance(log[-1], Stop) and log[-1].inbox)
    change(logs, machine, -1, inbox=logs[machine][-1].inbox[:-1])  # type: ignore[union-attr]
    found = found_in(logs)
    assert ("accounting", machine) in found
    assert {blamed for _, blamed in found} == {machine}


def test_a_run_of_many_events_is_not_done_again(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repetition, "MAX_EVENTS", 10)
    found = evaluate(loaded(logs)).verdict
    assert found.state == "holds"
    assert str(found.without_cases["replay"]).endswith("events: more than 10")
