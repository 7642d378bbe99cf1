"""Runs in virtual time: laws over every spec and fault, and small runs worked out by hand."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.history.replay import replay
from orchestrator.virtual.simulation import RunRecords, Simulation, simulate
from specs import specs
from vm.channel import DRAIN_NS, Channel, last_departure_ns
from vm.faults import Crash, Delay, Duplication, Loss, Partition, Pause, Restart
from vm.latency import in_virtual_time
from vm.log import encode
from vm.records import Event, Recovery, Start, Stop
from vm.schedule import SECOND_NS
from vm.spec import Spec, generator

Copy = tuple[str, int, str]


def events(history: RunRecords, machine: str) -> list[Event]:
    return [record for record in history[machine] if isinstance(record, Event)]


def stops(history: RunRecords) -> dict[str, Stop]:
    lasts = {machine: records[-1] for machine, records in history.items()}
    return {machine: last for machine, last in lasts.items() if isinstance(last, Stop)}


def arrivals(history: RunRecords) -> Iterator[tuple[str, int, str, int]]:
    """All that arrived and was not lost with an inbox: sender, index, receiver, instant."""
    for machine in history:
        for event in events(history, machine):
            if event.kind == "receive":
                yield event.sender, event.cause, machine, event.arrived_ns
    for machine, stop in stops(history).items():
        for unread in stop.inbox:
            yield unread.sender, unread.cause, machine, unread.arrived_ns


def sent_copies(history: RunRecords) -> Counter[Copy]:
    """How many copies of every message were to arrive."""
    copies: Counter[Copy] = Counter()
    for machine in history:
        for event in events(history, machine):
            for to in event.to:
                copies[machine, event.index, to] += (
                    1 + (to in event.duplicated) - (to in event.lost)
                )
    return copies


def down(spec: Spec, machine: str) -> list[tuple[int, int]]:
    """When a machine does not tick."""
    return [
        (fault.at_ns, spec.duration_ns if isinstance(fault, Crash) else fault.until_ns)
        for fault in spec.faults
        if isinstance(fault, Crash | Restart | Pause) and fault.machine == machine
    ]


# --- laws ---


@given(spec=specs())
def test_equal_specs_make_equal_histories(spec: Spec) -> None:
    assert simulate(spec, "run") == simulate(replace(spec), "run")


@given(spec=specs())
def test_machines_tick_when_they_are_due_unless_they_are_down(spec: Spec) -> None:
    history = simulate(spec, "run")
    for machine in spec.machines:
        schedule = spec.schedule(machine)
        due = [schedule.due_ns(tick) for tick in range(schedule.ticks_before(spec.duration_ns))]
        spans = down(spec, machine)
        ticked = [
            (tick, due_ns)
            for tick, due_ns in enumerate(due)
            if not any(at_ns <= due_ns < until_ns for at_ns, until_ns in spans)
        ]
        log = events(history, machine)
        assert [(event.tick, event.due_ns) for event in log] == ticked
        assert all(event.at_ns == event.due_ns for event in log)
        assert [event.index for event in log] == list(range(len(log)))
        if stop := stops(history).get(machine):
            assert stop.ticks_missed == len(due) - len(ticked)
            assert stop.events == len(log)


@given(spec=specs())
def test_a_log_begins_comes_back_and_ends_as_the_faults_say(spec: Spec) -> None:
    history = simulate(spec, "run")
    for machine, (start, *records) in history.items():
        assert isinstance(start, Start)
        assert (start.machine, start.epoch_unix_ns, start.run) == (machine, 0, "run")
        faults = [f for f in spec.faults if not isinstance(f, Loss | Duplication | Delay)]
        mine = [f for f in faults if not isinstance(f, Partition) and f.machine == machine]
        returns = [record for record in records if isinstance(record, Recovery)]
        assert [back.at_ns for back in returns] == sorted(
            f.until_ns for f in mine if isinstance(f, Restart)
        )
        for back in returns:
            before = [e for e in events(history, machine) if e.at_ns < back.at_ns]
            assert back.events == len(before)
            assert records[len(before) : len(before) + len(returns)].count(back) == 1
        assert (machine in stops(history)) != any(isinstance(f, Crash) for f in mine)


@given(spec=specs())
def test_every_copy_ends_in_exactly_one_place(spec: Spec) -> None:
    history = simulate(spec, "run")
    sent = sent_copies(history)
    arrived = Counter((sender, index, to) for sender, index, to, _ in arrivals(history))
    undelivered = Counter(
        (machine, left.index, left.to)
        for machine, stop in stops(history).items()
        for left in stop.undelivered
    )
    died = sent - arrived - undelivered
    assert sent == arrived + undelivered + died
    crashed = set(spec.machines) - set(stops(history))
    assert {sender for sender, _, _ in died} <= crashed


@given(spec=specs())
def test_what_arrives_was_sent_before_and_finds_somebody_there(spec: Spec) -> None:
    history = simulate(spec, "run")
    least_ns = in_virtual_time(spec.latency).quantile_ns(0)
    cuts = [fault for fault in spec.faults if isinstance(fault, Partition)]
    kills = [fault for fault in spec.faults if isinstance(fault, Crash | Restart)]
    for sender, index, receiver, arrived_ns in arrivals(history):
        sent_ns = events(history, sender)[index].at_ns
        assert sent_ns + least_ns <= arrived_ns < last_departure_ns(spec) + DRAIN_NS
        for cut in cuts:
            assert not (cut.separates(sender, receiver) and cut.at_ns <= arrived_ns < cut.until_ns)
        for kill in kills:
            until_ns = kill.until_ns if isinstance(kill, Restart) else arrived_ns + 1
            assert not (kill.machine == receiver and kill.at_ns <= arrived_ns < until_ns)


@given(spec=specs())
def test_without_kills_messages_arrive_exactly_when_their_channel_says(spec: Spec) -> None:
    spec = replace(spec, faults=tuple(f for f in spec.faults if not isinstance(f, Crash | Restart)))
    history = simulate(spec, "run")
    expected: Counter[tuple[str, int, str, int]] = Counter()
    for sender in spec.machines:
        for receiver in spec.machines:
            channel = Channel(spec, sender, receiver, in_virtual_time(spec.latency))
            for event in events(history, sender):
                if receiver in event.to:
                    copies = channel.carry(event.at_ns)
                    assert (receiver in event.lost) == (not copies)
                    assert (receiver in event.duplicated) == (len(copies) == 2)
                    expected.update((sender, event.index, receiver, at_ns) for at_ns in copies)
    assert Counter(arrivals(history)) == expected


@given(spec=specs())
def test_order_is_kept_on_every_channel_that_is_to_keep_it(spec: Spec) -> None:
    history = simulate(replace(spec, fifo=True), "run")
    causes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for sender, index, receiver, _ in arrivals(history):
        causes[sender, receiver].append(index)
    for taken in causes.values():
        assert taken == sorted(taken)


@given(spec=specs())
def test_clocks_never_run_back(spec: Spec) -> None:
    history = simulate(spec, "run")
    for machine in spec.machines:
        for before, after in pairwise(events(history, machine)):
            assert before.clock["lamport"] < after.clock["lamport"]  # type: ignore[operator]
            vectors = before.clock["vector"], after.clock["vector"]
            assert all(x <= y for x, y in zip(*vectors, strict=True))  # type: ignore[arg-type]


@given(spec=specs())
def test_every_simulation_replays(spec: Spec) -> None:
    difference = replay(simulate(spec, "run"))
    assert difference is None, difference.explain()


@given(spec=specs(), data=st.data())
def test_a_simulation_can_be_carried_out_bit_by_bit(spec: Spec, data: st.DataObject) -> None:
    simulation = Simulation(spec, "run")
    for until_ns in sorted(data.draw(st.lists(st.integers(0, spec.duration_ns), max_size=5))):
        simulation.advance(until_ns)
    simulation.advance(spec.duration_ns)
    assert simulation.end("finished") == simulate(spec, "run")


@given(spec=specs(kinds=frozenset({"loss", "duplication", "delay", "partition", "pause"})))
def test_a_network_that_sends_again_is_the_same_where_nobody_is_killed(spec: Spec) -> None:
    """A crash at the last instant changes the network that is used, and nothing before it."""
    machine = spec.machines[0]
    last_ns = spec.duration_ns - 1
    if any(at_ns <= last_ns < until_ns for at_ns, until_ns in down(spec, machine)):
        return
    crash = Crash(last_ns, machine)
    plain, killing = (
        simulate(spec, "run"),
        simulate(replace(spec, faults=(*spec.faults, crash)), "run"),
    )
    for name in spec.machines:
        before = [event for event in events(plain, name) if event.at_ns < last_ns]
        assert [event for event in events(killing, name) if event.at_ns < last_ns] == before


@given(spec=specs(), data=st.data())
def test_a_run_that_is_ended_early_is_whole_up_to_there(spec: Spec, data: st.DataObject) -> None:
    simulation = Simulation(spec, "run")
    ended_ns = data.draw(st.integers(0, spec.duration_ns))
    simulation.advance(ended_ns)
    history, whole = simulation.end("terminated"), simulate(spec, "run")
    for machine in spec.machines:
        assert events(history, machine) == [
            event for event in events(whole, machine) if event.at_ns < ended_ns
        ]
    for machine, stop in stops(history).items():
        due = spec.schedule(machine).ticks_before(ended_ns)
        assert (stop.reason, stop.ticks_missed) == ("terminated", due - stop.events)
    assert all(arrived_ns < ended_ns + DRAIN_NS for *_, arrived_ns in arrivals(history))
    assert replay(history) is None


# --- restarts ---


@pytest.mark.parametrize("number", range(50))
def test_a_restart_at_any_instant_loses_and_doubles_nothing(number: int) -> None:
    draw = generator(number, "restart", "instant").random
    at_s = draw() * 8
    restart = {"kind": "restart", "machine": "vm2", "at_s": at_s, "until_s": at_s + draw() * 2}
    spec = Spec.parse(
        {
            "duration_s": 10.5,
            "ticks": (2, 9),
            "workload": "tight",
            "clocks": ["lamport", "vector"],
            "seed": number,
            "latency": {"kind": "uniform", "low_s": 0, "high_s": 0.2},
            "faults": [restart],
        }
    )
    history = simulate(spec, "run")
    assert [type(record) for record in history["vm2"]].count(Recovery) == 1
    arrived = Counter((sender, index, to) for sender, index, to, _ in arrivals(history))
    assert arrived == sent_copies(history)
    assert set(stops(history)) == set(spec.machines)
    assert not any(stop.undelivered for stop in stops(history).values())
    for machine in spec.machines:
        for before, after in pairwise(events(history, machine)):
            assert before.clock["lamport"] < after.clock["lamport"]  # type: ignore[operator]
    assert replay(history) is None


# --- by hand ---

#: vm1 ticks at 0.56, 1.56, ... and vm2 at 0.93, 1.93, ... s. An idle tick sends to the other one.
PAIR: dict[str, Any] = {
    "machines": ["vm1", "vm2"],
    "duration_s": 4,
    "tick_rates_hz": {"vm1": 1, "vm2": 1},
    "workload": {"one": 0, "all": 1, "internal": 0},
    "latency": {"kind": "constant", "delay_s": 0.1},
    "seed": 7,
}


def happened(*faults: dict[str, Any], **fields: Any) -> list[str]:
    """What happened, in the order of time; a receive says of what, and what it left."""
    history = simulate(Spec.parse(PAIR | fields | {"faults": faults}), "run")
    lines: list[tuple[int, str]] = []
    for machine, records in history.items():
        for record in records:
            match record:
                case Event(kind="receive", sender=sender, cause=cause, queue=queue):
                    lines.append((record.at_ns, f"{machine} receive {sender}/{cause} +{queue}"))
                case Event(lost=lost, duplicated=twice):
                    fate = f"{' lost' if lost else ''}{' twice' if twice else ''}"
                    lines.append((record.at_ns, f"{machine} {record.kind}{fate}"))
                case Recovery(at_ns=at_ns, events=count):
                    lines.append((at_ns, f"{machine} back {count}"))
                case Stop(inbox=inbox, undelivered=left, ticks_missed=missed):
                    unread = " ".join(f"{u.sender}/{u.cause}" for u in inbox)
                    kept = " ".join(str(u.index) for u in left)
                    lines.append((10**12, f"{machine} stop [{unread}] [{kept}] {missed}"))
    return [line for _, line in sorted(lines, key=lambda line: line[0])]


def test_by_hand_the_machines_tick_as_the_examples_say() -> None:
    spec = Spec.parse(PAIR)
    assert [spec.schedule(m).due_ns(1) // 10**7 for m in spec.machines] == [156, 192]


def test_by_hand_without_faults() -> None:
    assert happened() == [
        "vm1 send",
        "vm2 receive vm1/0 +0",
        "vm1 send",
        "vm2 receive vm1/1 +0",
        "vm1 send",
        "vm2 receive vm1/2 +0",
        "vm1 send",
        "vm2 receive vm1/3 +0",
        "vm1 stop [] [] 0",
        "vm2 stop [] [] 0",
    ]


def test_by_hand_a_loss() -> None:
    assert happened({"kind": "loss", "probability": 1, "at_s": 1, "until_s": 1.7}) == [
        "vm1 send",
        "vm2 receive vm1/0 +0",
        "vm1 send lost",
        "vm2 send",
        "vm1 receive vm2/1 +0",
        "vm2 send",
        "vm1 receive vm2/2 +0",
        "vm2 send",
        "vm1 stop [vm2/3] [] 0",
        "vm2 stop [] [] 0",
    ]


def test_by_hand_a_duplication() -> None:
    assert happened({"kind": "duplication", "probability": 1, "until_s": 1}) == [
        "vm1 send twice",
        "vm2 receive vm1/0 +1",
        "vm1 send",
        "vm2 receive vm1/0 +1",
        "vm1 send",
        "vm2 receive vm1/1 +1",
        "vm1 send",
        "vm2 receive vm1/2 +1",
        "vm1 stop [] [] 0",
        "vm2 stop [vm1/3] [] 0",
    ]


DEAF = {"kind": "loss", "probability": 1, "senders": ["vm2"]}
SLOW = {"kind": "delay", "extra_s": 1.5, "until_s": 1}


@pytest.mark.parametrize(
    ("fifo", "receives"),
    [
        (True, ["vm2 receive vm1/0 +2", "vm2 receive vm1/1 +2"]),
        (False, ["vm2 receive vm1/1 +0", "vm2 receive vm1/0 +1", "vm2 receive vm1/2 +1"]),
    ],
)
def test_by_hand_a_delay_reorders_only_what_need_not_keep_order(
    fifo: bool, receives: list[str]
) -> None:
    lines = happened(DEAF, SLOW, fifo=fifo)
    assert [line for line in lines if "receive" in line] == receives


def test_by_hand_a_partition() -> None:
    assert happened({"kind": "partition", "groups": [["vm1"]], "at_s": 0.6, "until_s": 2}) == [
        "vm1 send",
        "vm2 send",
        "vm1 send",
        "vm2 send",
        # At 2.1 s all that was held back arrives.
        "vm1 receive vm2/0 +1",
        "vm2 receive vm1/0 +1",
        "vm1 receive vm2/1 +0",
        "vm2 receive vm1/1 +0",
        "vm1 stop [] [] 0",
        "vm2 stop [] [] 0",
    ]


def test_by_hand_a_partition_to_the_end() -> None:
    lines = happened({"kind": "partition", "groups": [["vm1"]]}, duration_s=2)
    assert lines[-2:] == ["vm1 stop [vm2/0 vm2/1] [] 0", "vm2 stop [vm1/0 vm1/1] [] 0"]


def test_by_hand_what_is_underway_at_the_end_still_arrives() -> None:
    lines = happened(latency={"kind": "constant", "delay_s": 3}, duration_s=2)
    assert lines[-2:] == ["vm1 stop [vm2/0 vm2/1] [] 0", "vm2 stop [vm1/0 vm1/1] [] 0"]


def test_by_hand_a_pause() -> None:
    assert happened({"kind": "pause", "machine": "vm2", "at_s": 0.9, "until_s": 2}) == [
        "vm1 send",
        "vm1 send",
        "vm1 send",
        "vm2 receive vm1/0 +2",
        "vm1 send",
        "vm2 receive vm1/1 +2",
        "vm1 stop [] [] 0",
        "vm2 stop [vm1/2 vm1/3] [] 2",
    ]


def test_by_hand_a_crash_of_a_receiver() -> None:
    # vm1/1 is in the inbox at that time.
    assert happened({"kind": "crash", "machine": "vm2", "at_s": 1.7}) == [
        "vm1 send",
        "vm2 receive vm1/0 +0",
        "vm1 send",
        "vm1 send",
        "vm1 send",
        "vm1 stop [] [1 2 3] 0",
    ]


@pytest.mark.parametrize(
    ("faults", "arrives"),
    [
        pytest.param([], True, id="what is in flight arrives"),
        pytest.param([{"kind": "delay", "extra_s": 0.1}], False, id="what a delay holds dies"),
        pytest.param(
            [{"kind": "partition", "groups": [["vm1"]], "at_s": 0.65, "until_s": 0.7}],
            False,
            id="what a partition holds dies",
        ),
    ],
)
def test_by_hand_a_crash_of_a_sender(faults: list[dict[str, Any]], arrives: bool) -> None:
    lines = happened({"kind": "crash", "machine": "vm1", "at_s": 0.6}, *faults)
    assert ("vm2 receive vm1/0 +0" in lines) == arrives


def test_by_hand_a_restart_of_a_receiver() -> None:
    # vm1/1 dies in the inbox at 1.7 s and comes again at 2.6 s, before vm1/2.
    assert happened({"kind": "restart", "machine": "vm2", "at_s": 1.7, "until_s": 2.5}) == [
        "vm1 send",
        "vm2 receive vm1/0 +0",
        "vm1 send",
        "vm2 back 1",
        "vm1 send",
        "vm2 receive vm1/1 +1",
        "vm1 send",
        "vm2 receive vm1/2 +1",
        "vm1 stop [] [] 0",
        "vm2 stop [vm1/3] [] 1",
    ]


def test_by_hand_a_restart_of_a_sender_that_held_a_message() -> None:
    # vm1/0 was to leave at 1.06 s; it leaves at 1.8 s and arrives at 1.9 s.
    slow = {"kind": "delay", "extra_s": 0.5, "until_s": 0.9}
    assert happened(slow, {"kind": "restart", "machine": "vm1", "at_s": 1, "until_s": 1.8}) == [
        "vm1 send",
        "vm2 send",
        "vm1 back 1",
        "vm2 receive vm1/0 +0",
        # vm2/0 arrived at 1.03 s where nobody was, and came again at 1.9 s.
        "vm1 receive vm2/0 +0",
        "vm2 send",
        "vm1 receive vm2/2 +0",
        "vm2 send",
        "vm1 stop [vm2/3] [] 1",
        "vm2 stop [] [] 0",
    ]


@pytest.mark.parametrize(("until_s", "tick"), [(1.2, 2), (2.5, 2), (2.9, 3)])
def test_by_hand_what_is_still_held_when_its_sender_is_back_is_held_on(
    until_s: float, tick: int
) -> None:
    # vm1/0 is to leave at 2.06 s.
    slow = {"kind": "delay", "extra_s": 1.5, "until_s": 0.9, "senders": ["vm1"]}
    restart = {"kind": "restart", "machine": "vm1", "at_s": 1, "until_s": until_s}
    history = simulate(Spec.parse(PAIR | {"faults": [DEAF, slow, restart]}), "run")
    receives = [event for event in events(history, "vm2") if event.kind == "receive"]
    assert (receives[0].cause, receives[0].tick) == (0, tick)


def test_by_hand_nothing_overtakes_what_nobody_can_send_again_yet() -> None:
    # vm1/0 finds nobody at 1.56 s; vm1/1 arrives at 2.56 s, when vm1 cannot send again.
    lines = happened(
        {"kind": "restart", "machine": "vm2", "at_s": 1.5, "until_s": 2},
        {"kind": "restart", "machine": "vm1", "at_s": 1.7, "until_s": 3.9},
        DEAF,
        latency={"kind": "constant", "delay_s": 1},
    )
    assert lines == [
        "vm1 send",
        "vm2 send lost",
        "vm1 send",
        "vm2 back 1",
        "vm2 send lost",
        "vm1 back 2",
        "vm2 send lost",
        "vm1 stop [] [] 2",
        "vm2 stop [vm1/0 vm1/1] [] 1",
    ]


def test_by_hand_two_that_are_down_wait_for_each_other() -> None:
    # vm1/1 dies with the inbox of vm2, and can come again only when vm1 is back too.
    lines = happened(
        {"kind": "restart", "machine": "vm2", "at_s": 1.7, "until_s": 2},
        {"kind": "restart", "machine": "vm1", "at_s": 1.8, "until_s": 2.9},
    )
    assert lines == [
        "vm1 send",
        "vm2 receive vm1/0 +0",
        "vm1 send",
        "vm2 back 1",
        "vm1 back 2",
        "vm2 send",
        "vm1 receive vm2/1 +0",
        "vm2 receive vm1/1 +0",
        "vm1 stop [] [] 1",
        "vm2 stop [] [] 1",
    ]


def test_by_hand_a_tick_finds_what_arrives_at_its_very_instant() -> None:
    spec = Spec.parse(PAIR)
    send_ns, tick_ns = (spec.schedule(machine).due_ns(0) for machine in spec.machines)
    for late_ns, found in {0: "vm2 receive vm1/0 +0", 1: "vm2 send"}.items():
        delay_s = (tick_ns + late_ns - send_ns) / SECOND_NS
        assert happened(latency={"kind": "constant", "delay_s": delay_s})[1] == found


def test_by_hand_a_network_without_latency_takes_a_nanosecond() -> None:
    history = simulate(Spec.parse(PAIR | {"latency": {"kind": "constant", "delay_s": 0}}), "run")
    sent, received = events(history, "vm1")[0], events(history, "vm2")[0]
    assert received.arrived_ns == sent.at_ns + 1


def test_by_hand_a_machine_can_be_killed_as_soon_as_it_is_back() -> None:
    lines = happened(
        {"kind": "restart", "machine": "vm2", "at_s": 2, "until_s": 3},
        {"kind": "restart", "machine": "vm2", "at_s": 1.7, "until_s": 2},
        {"kind": "crash", "machine": "vm2", "at_s": 3},
    )
    assert [line for line in lines if line.startswith("vm2")] == [
        "vm2 receive vm1/0 +0",
        "vm2 back 1",
        "vm2 back 1",
    ]
    assert lines[-1] == "vm1 stop [] [1 2 3] 0"


# --- for ever ---

EVERY_FAULT: list[dict[str, Any]] = [
    {"kind": "loss", "probability": 0.1, "at_s": 2, "until_s": 20},
    {"kind": "duplication", "probability": 0.1, "senders": ["vm1"], "until_s": 30},
    {"kind": "delay", "extra_s": 0.05, "jitter_s": 0.5, "receivers": ["vm2", "vm3"]},
    {"kind": "partition", "groups": [["vm1", "vm2"], ["vm3"]], "at_s": 10, "until_s": 14},
    {"kind": "pause", "machine": "vm1", "at_s": 5, "until_s": 8},
    {"kind": "restart", "machine": "vm2", "at_s": 12, "until_s": 15},
    {"kind": "restart", "machine": "vm1", "at_s": 25, "until_s": 26.5},
    {"kind": "crash", "machine": "vm4", "at_s": 40},
]
GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({"seed": 7}, "a415d1e8f0e6e969499da05d77ab7c10effc39667e7c7049f9f5aa509c1c454f"),
    "tight, both clocks": (
        {"machines": 5, "workload": "tight", "clocks": ["vector", "lamport"], "seed": 1},
        "75c12970f518a8ab6810c9bfacda8a6239e61c267432caa72306c836e04104b7",
    ),
    "not fifo": (
        {
            "ticks": [1, 40],
            "fifo": False,
            "latency": {"kind": "uniform", "low_s": 0, "high_s": 1},
            "seed": 2,
        },
        "6853938c90991f6062a0e35928e2a230dfde5a799333a7cac5e48e78a8e8fb2b",
    ),
    "every fault": (
        {
            "machines": 4,
            "workload": "tight",
            "clocks": ["lamport", "vector"],
            "latency": {"kind": "lognormal", "median_s": 0.02, "sigma": 1},
            "seed": 3,
            "faults": EVERY_FAULT,
        },
        "bdf7b28dcbd188c2c4250de253788fa725f7594798ef782bef5cf536ad832ad0",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_history_of_a_spec_stays_what_it_is_to_the_last_bit(name: str) -> None:
    plain, digest = GOLDEN[name]
    history = simulate(Spec.parse(plain), "golden")
    # Start records hold the version, and the spec is known.
    lines = [encode(record) for _start, *records in history.values() for record in records]
    assert sha256("\n".join(lines).encode()).hexdigest() == digest
