"""The replay: equal for whatever happened, and different where a log was changed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.history.replay import ReplayError, replay
from examples import HALF
from histories import World, worlds
from loopback import live_together, read_log, settings_of
from orchestrator.virtual.simulation import RunRecords, simulate
from specs import specs
from vm import faults
from vm.records import Event, Recovery, Stop, Unread
from vm.spec import Spec


def logs(world: World) -> RunRecords:
    return {name: world.log(name) for name in world.spec.machines}


@given(world=worlds(kills=True))
def test_a_history_driven_by_hand_replays(world: World) -> None:
    difference = replay(logs(world))
    assert difference is None, difference.explain()


def test_a_run_of_real_hosts_replays(tmp_path: Path) -> None:
    spec = Spec(duration_s=1, ticks=(20, 60), clocks=("vector", "lamport"), seed=5)
    asyncio.run(live_together(settings_of(spec, tmp_path)))
    history = {name: read_log(tmp_path / f"{name}.jsonl") for name in spec.machines}
    assert sum(isinstance(r, Event) for records in history.values() for r in records) > 50
    difference = replay(history)
    assert difference is None, difference.explain()


def _other_kind(event: Event) -> dict[str, Any]:
    return {"kind": "send" if event.kind == "internal" else "internal"}


#: Ways to change what the machine decided; None where the event cannot be changed so.
CHANGES: dict[str, Callable[[Event], dict[str, Any] | None]] = {
    "kind": _other_kind,
    "index": lambda event: {"index": event.index + 1},
    "lamport": lambda event: {
        "clock": event.clock | {"lamport": event.clock["lamport"] + 1}  # type: ignore[operator]
    },
    "vector": lambda event: {
        "clock": event.clock | {"vector": tuple(n + 1 for n in event.clock["vector"])}  # type: ignore[union-attr]
    },
    "queue": lambda event: {"queue": event.queue - 1},
    "to": lambda event: {"to": event.to[1:]} if event.to else None,
    "sender": lambda event: {"sender": "nobody"} if event.kind == "receive" else None,
    "cause": lambda event: {"cause": event.cause + 100_000} if event.kind == "receive" else None,
    "lost": lambda event: {"lost": () if event.lost else event.to} if event.to else None,
    "duplicated": lambda event: (
        {"duplicated": () if event.duplicated else event.to} if event.to else None
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@HALF
@given(spec=specs(), data=st.data())
def test_every_change_of_what_a_machine_decides_is_found(
    change: str, spec: Spec, data: st.DataObject
) -> None:
    if change == "queue":
        # After a kill the queue is all that is left to tell of what died with it.
        kills = faults.Crash | faults.Restart
        spec = replace(spec, faults=tuple(f for f in spec.faults if not isinstance(f, kills)))
    history = simulate(spec, "run")
    machine = data.draw(st.sampled_from(spec.machines))
    changeable = [
        (position, changed)
        for position, record in enumerate(history[machine])
        if isinstance(record, Event) and (changed := CHANGES[change](record)) is not None
    ]
    assume(changeable)
    position, changed = data.draw(st.sampled_from(changeable))
    event = history[machine][position]
    assert isinstance(event, Event)
    history[machine][position] = wrong = replace(event, **changed)
    difference = replay(history)
    assert difference is not None
    assert difference.logged != difference.replayed
    if change == "kind" and event.kind == "receive":
        # A message that was never received was in no queue before either.
        assert difference.at_ns <= event.at_ns
    elif difference.machine == machine:
        assert difference.logged == wrong
    else:
        # The clock and the fate of a send are seen where its messages were received, too.
        assert difference.because.startswith(("clock", f"event {event.index} of {machine}"))


def small() -> RunRecords:
    """Two machines; vm1 ticks twice as often as vm2, which receives one message in two."""
    spec = Spec.parse(
        {
            "machines": 2,
            "duration_s": 4,
            "tick_rates_hz": {"vm1": 2, "vm2": 1},
            "workload": {"one": 1, "all": 0, "internal": 0},
            "seed": 7,
        }
    )
    return simulate(spec, "run")


def events(history: RunRecords, machine: str) -> list[Event]:
    return [record for record in history[machine] if isinstance(record, Event)]


def without_stop(history: RunRecords, machine: str) -> RunRecords:
    return history | {machine: [r for r in history[machine] if not isinstance(r, Stop)]}


def requeued(history: RunRecords, machine: str, *more: int) -> RunRecords:
    """A log whose machine had so many messages more in its inbox, event by event."""
    records = [
        replace(record, queue=record.queue + more[record.index])
        if isinstance(record, Event)
        else record
        for record in history[machine]
    ]
    return history | {machine: records}


def test_the_small_history_is_as_it_is_used_here() -> None:
    assert [(e.kind, e.queue) for e in events(small(), "vm2")] == [
        ("receive", 1),
        ("receive", 2),
        ("receive", 3),
        ("receive", 4),
    ]
    assert [e.kind for e in events(small(), "vm1")] == ["send"] * 8


@pytest.mark.parametrize(
    ("died", "is_equal"),
    [
        pytest.param((0, 0, 0, 0), True, id="nothing died"),
        pytest.param((0, 0, 1, 3), True, id="some died"),
        pytest.param((0, 2, 1, 3), False, id="what died never left the inbox before"),
        pytest.param((0, 0, -1, 0), False, id="nobody can have taken more"),
    ],
)
def test_what_died_with_an_inbox_is_known_by_the_queue_alone(
    died: tuple[int, ...], is_equal: bool
) -> None:
    killed = without_stop(small(), "vm2")
    assert replay(killed) is None
    # Of the eight messages four were received: at 0.93 s one more is there, at 1.93 s two, ...
    received_later = (1, 2, 1, 0)
    logged = (1, 2, 3, 4)
    more = [d + r - q for d, r, q in zip(died, received_later, logged, strict=True)]
    assert (replay(requeued(killed, "vm2", *more)) is None) == is_equal


def test_an_idle_tick_has_seen_an_empty_inbox() -> None:
    """In a life that ended with a kill too."""
    spec = Spec.parse(
        {"machines": 2, "duration_s": 30, "tick_rates_hz": {"vm1": 1, "vm2": 1}, "seed": 7}
    )
    killed = without_stop(simulate(spec, "run"), "vm2")
    log = events(killed, "vm2")
    received = next(event for event in log if event.kind == "receive")
    assert any(event.kind != "receive" for event in log[received.index :])
    more = [event.index >= received.index and event.kind == "receive" for event in log]
    difference = replay(requeued(killed, "vm2", *more))
    assert difference is not None
    idle = next(event for event in log[received.index :] if event.kind != "receive")
    assert difference.logged == idle
    assert difference.because == "the field queue differs"


def test_a_queue_of_a_machine_that_was_not_killed_is_exact() -> None:
    difference = replay(requeued(small(), "vm2", 0, 0, 1, 1))
    assert difference is not None
    assert isinstance(difference.logged, Event)
    assert difference.logged.index == 2


def test_a_difference_tells_both_sides_and_what_came_before() -> None:
    history = small()
    position = next(n for n, r in enumerate(history["vm2"]) if r == events(history, "vm2")[2])
    wrong = replace(events(history, "vm2")[2], clock={"lamport": 100})
    history["vm2"][position] = wrong
    difference = replay(history)
    assert difference is not None
    assert difference.before == tuple(events(history, "vm2")[:2])
    lines = difference.explain().splitlines()
    assert lines[0] == "vm2: the field clock differs"
    assert [line.split()[0] for line in lines[1:]] == ["before", "before", "logged", "replayed"]
    assert '"clock":{"lamport":100}' in lines[3]
    assert '"clock":{"lamport":4}' in lines[4]


def test_the_first_difference_is_the_earliest() -> None:
    history = small()
    for machine, index in (("vm1", 6), ("vm2", 1)):
        event = events(history, machine)[index]
        history[machine][history[machine].index(event)] = replace(event, queue=9)
    difference = replay(history)
    assert difference is not None
    assert (difference.machine, difference.logged) == ("vm2", events(history, "vm2")[1])


def test_the_oldest_arrival_comes_first() -> None:
    history = small()
    first, second, *_ = events(history, "vm2")
    assert first.arrived_ns < second.arrived_ns < first.at_ns
    position = history["vm2"].index(first)
    history["vm2"][position : position + 2] = [
        replace(first, cause=1, arrived_ns=second.arrived_ns, clock={"lamport": 3}),
        replace(second, cause=0, arrived_ns=first.arrived_ns, clock={"lamport": 4}),
    ]
    difference = replay(history)
    assert difference is not None
    assert difference.because == "the fields clock, cause, arrived_ns differ"


def test_a_receive_of_what_was_never_sent_to_it_is_named() -> None:
    history = small()
    # The log of vm1 is cut there: what vm1 itself would do is not the matter here.
    history["vm1"] = history["vm1"][: history["vm1"].index(events(history, "vm1")[1])]
    difference = replay(history)
    assert difference is not None
    assert difference.because == "event 1 of vm1 sent it nothing"
    assert difference.logged == events(history, "vm2")[1]
    assert difference.replayed is None
    assert "replayed" not in difference.explain()


def test_a_receive_of_what_was_lost_is_named() -> None:
    loss = {"kind": "loss", "probability": 1, "senders": ["vm1"]}
    spec = Spec.parse({"machines": 2, "workload": "tight", "seed": 7, "faults": [loss]})
    history = simulate(spec, "run")
    lost = next(event for event in events(history, "vm1") if event.lost)
    idle = next(event for event in events(history, "vm2") if event.at_ns > lost.at_ns)
    changes = {"kind": "receive", "to": (), "sender": "vm1", "cause": lost.index}
    wrong = replace(idle, arrived_ns=idle.at_ns, lost=(), **changes)  # type: ignore[arg-type]
    history["vm2"][history["vm2"].index(idle)] = wrong
    difference = replay(history)
    assert difference is not None
    assert difference.because == f"event {lost.index} of vm1 sent it nothing"
    assert difference.logged == wrong


def test_what_was_left_in_the_inbox_must_have_been_left() -> None:
    history = small()
    stop = history["vm2"][-1]
    assert isinstance(stop, Stop)
    unread = Unread("vm1", 2, events(history, "vm2")[2].arrived_ns)
    history["vm2"][-1] = replace(stop, inbox=(unread, *stop.inbox))
    difference = replay(history)
    assert difference is not None
    assert difference.because == "the field queue differs"
    history["vm2"][-1] = replace(stop, inbox=(*stop.inbox, Unread("vm1", 99, 10**10)))
    difference = replay(history)
    assert difference is not None
    assert difference.because == "event 99 of vm1 sent it nothing"
    history["vm2"][-1] = replace(stop, events=3)
    difference = replay(history)
    assert difference is not None
    assert difference.because == "at the end, the field events differs"


def test_a_machine_comes_back_with_what_it_had_logged() -> None:
    restart = {"kind": "restart", "machine": "vm1", "at_s": 20, "until_s": 21}
    history = simulate(Spec.parse({"seed": 7, "faults": [restart]}), "run")
    assert replay(history) is None
    position = next(n for n, r in enumerate(history["vm1"]) if isinstance(r, Recovery))
    back = history["vm1"][position]
    assert isinstance(back, Recovery)
    history["vm1"][position] = replace(back, events=back.events + 1)
    difference = replay(history)
    assert difference is not None
    assert difference.replayed == back


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ({"vm1": []}, "the log of vm1 does not begin with a start record"),
        ({"vm1": small()["vm1"]}, "there is no log of vm2"),
    ],
)
def test_logs_that_cannot_be_replayed_say_why(history: RunRecords, says: str) -> None:
    with pytest.raises(ReplayError, match=says):
        replay(history)
