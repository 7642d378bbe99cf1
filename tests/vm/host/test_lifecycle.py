"""Whole lives of hosts on loopback."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from loopback import (
    free_ports,
    live,
    live_together,
    read_log,
    read_whole_log,
    served,
    settings_of,
    where_messages_ended,
)
from orchestrator.keys import new_certificate, new_secret
from vm.host.changes import Changes
from vm.host.generated import vm_pb2, vm_pb2_grpc
from vm.host.lifecycle import Host
from vm.host.log_writer import LogWriter
from vm.host.recovery import read_past
from vm.host.settings import HostError, TerminatedEarly
from vm.host.wire.frames import Membership, max_frame_bytes
from vm.host.wire.key import Key
from vm.host.wire.outgoing import Outgoing
from vm.host.wire.service import Service
from vm.log import encode
from vm.machine import Machine
from vm.records import NO_OFFSET, Arrival, Event, Message, Recovery, Start, Stop
from vm.schedule import SECOND_NS
from vm.spec import Spec, generator
from vm.workloads import WORKLOADS

#: How inexact a reading of the wall clock by one machine may be.
READING_NS = 100_000

FAST = Spec(
    machines=("vm1", "vm2", "vm3"),
    duration_s=1.5,
    ticks=(20, 60),
    workload=WORKLOADS["tight"],
    clocks=("lamport", "vector"),
    seed=11,
)


@pytest.mark.parametrize("machines", [("vm1",), ("vm1", "vm2"), FAST.machines])
def test_every_message_ends_in_exactly_one_place(tmp_path: Path, machines: tuple[str, ...]) -> None:
    spec = Spec(machines=machines, duration_s=1, ticks=(30, 60), seed=3)
    asyncio.run(live_together(settings_of(spec, tmp_path)))
    logs = {name: read_whole_log(tmp_path / f"{name}.jsonl") for name in machines}
    places = where_messages_ended(logs)
    ended = places["received"] + places["inbox"] + places["undelivered"]
    assert sorted(ended) == sorted(places["sent"])
    assert len(set(ended)) == len(ended)
    assert bool(places["sent"]) == (len(machines) > 1)


def test_a_run_is_what_its_spec_says_and_a_pure_machine_repeats_it(tmp_path: Path) -> None:
    asyncio.run(live_together(settings_of(FAST, tmp_path)))
    logs = {name: read_whole_log(tmp_path / f"{name}.jsonl") for name in FAST.machines}
    assert len({start.epoch_unix_ns for start, _, _ in logs.values()}) == 1
    sent = {
        (name, event.index): event.clock
        for name, (_, events, _) in logs.items()
        for event in events
    }
    for name, (start, events, stop) in logs.items():
        schedule = FAST.schedule(name)
        assert start.spec.tick_rate_hz(start.machine) == schedule.tick_rate_hz
        assert stop.reason == "finished"
        assert stop.events == len(events)
        assert stop.events + stop.ticks_missed == schedule.ticks_before(FAST.duration_ns)
        machine = Machine(
            name,
            start.spec.machines,
            start.spec.clocks,
            start.spec.workload,
            generator(11, name, "workload"),
        )
        waiting = sorted(
            [
                Arrival(_message(event, name, sent), event.arrived_ns)
                for event in events
                if event.kind == "receive"
            ],
            key=lambda arrival: arrival.arrived_ns,
        )
        for event in events:
            assert event.due_ns == schedule.due_ns(event.tick)
            assert 0 <= event.due_ns <= event.at_ns
            while waiting and waiting[0].arrived_ns <= event.at_ns:
                machine.deliver(*waiting.pop(0))
            repeated, _ = machine.tick(event.tick, event.due_ns, event.at_ns)
            # What was still unread at the end counts in the queue, but is not in the events.
            unread = sum(u.arrived_ns <= event.at_ns for u in stop.inbox)
            repeated.queue += unread if event.kind == "receive" else 0
            assert repeated == event


@pytest.mark.parametrize(
    "ahead_s", [{"vm3": 3}, {"vm1": 3}, {"vm2": -3600, "vm3": 3 * 10**7}], ids=str
)
def test_machines_start_together_whatever_their_wall_clocks_read(
    tmp_path: Path, ahead_s: dict[str, int]
) -> None:
    spec = replace(FAST, duration_s=0.5)
    ahead_ns = {name: ahead_s.get(name, 0) * SECOND_NS for name in spec.machines}
    together = live_together(settings_of(spec, tmp_path), ahead_ns)
    asyncio.run(asyncio.wait_for(together, timeout=30))
    starts = {name: read_whole_log(tmp_path / f"{name}.jsonl")[0] for name in spec.machines}
    # By the one true clock of this computer.
    epochs_ns = {name: start.epoch_unix_ns - ahead_ns[name] for name, start in starts.items()}
    assert max(epochs_ns.values()) - min(epochs_ns.values()) < SECOND_NS // 50
    offsets = starts["vm1"].wall_offsets
    assert [start.wall_offsets for start in starts.values()] == [offsets] * 3
    assert len({start.run_epoch_unix_ns for start in starts.values()}) == 1
    assert offsets["vm1"] == NO_OFFSET
    for name, offset in offsets.items():
        true_ns = ahead_ns[name] - ahead_ns["vm1"]
        # Two readings of a wall clock are not of the same instant, even on one computer.
        assert abs(offset.offset_ns - true_ns) <= offset.bound_ns + READING_NS
        assert offset.bound_ns < SECOND_NS // 50
        assert bool(offset.offset_ns) == bool(true_ns)


def _message(event: Event, receiver: str, sent: dict) -> Message:
    return Message(event.sender, receiver, event.cause, sent[event.sender, event.cause])


def test_machines_without_a_seed_take_that_of_the_first(tmp_path: Path) -> None:
    spec = Spec(machines=("vm1", "vm2"), duration_s=0.2)
    asyncio.run(live_together(settings_of(spec, tmp_path, seed=None)))
    starts = [read_whole_log(tmp_path / f"{name}.jsonl")[0] for name in spec.machines]
    assert starts[0].spec.seed == starts[1].spec.seed
    for start in starts:
        drawn = Spec(machines=spec.machines, seed=start.spec.seed)
        assert start.spec.tick_rate_hz(start.machine) == drawn.tick_rate_hz(start.machine)


def test_a_stale_log_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "vm1.jsonl").write_text("something else\n")
    asyncio.run(live_together(settings_of(Spec(machines=("vm1",), duration_s=0.1), tmp_path)))
    assert read_whole_log(tmp_path / "vm1.jsonl")[2].reason == "finished"


def test_a_missing_peer_is_named(tmp_path: Path) -> None:
    here, _ = settings_of(Spec(machines=("vm1", "vm2")), tmp_path, startup_s=0.5)
    with pytest.raises(HostError, match=f"not connected: vm2 at {here.peers['vm2']}"):
        asyncio.run(live(here))
    assert not (tmp_path / "vm1.jsonl").exists()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    (settings,) = settings_of(Spec(machines=("vm1",)), tmp_path)
    with socket.create_server(("", settings.port)), pytest.raises(HostError, match="is taken"):
        asyncio.run(live(settings))


def test_another_run_is_refused_at_start_up(tmp_path: Path) -> None:
    spec = Spec(machines=("vm1", "vm2"))
    here, there = settings_of(spec, tmp_path)
    other = settings_of(spec, tmp_path, run="other")[1]
    there = type(there)(**{**vars(there), "run": other.run})
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(live_together([here, there]))
    assert caught.group_contains(HostError, match="refuses: FAILED_PRECONDITION")


class Rogue(vm_pb2_grpc.MachineServicer):
    """Answers with text for a terminal."""

    async def Identify(self, request, context):  # noqa: N802
        return vm_pb2.Identity(machine="\x1b[2J" + "x" * 10**5)

    async def Channel(self, frames, context):  # noqa: N802
        await context.abort(grpc.StatusCode.NOT_FOUND, "\x1b[2J" + "x" * 5000)


@pytest.mark.parametrize("is_named", [False, True])
def test_words_of_a_peer_are_printable_and_short(tmp_path: Path, is_named: bool) -> None:
    here, there = settings_of(Spec(machines=("vm1", "vm2")), tmp_path)
    if not is_named:
        here = replace(here, peers={}, addresses=(f"localhost:{there.port}",))

    async def scenario() -> None:
        async with served(Rogue(), there.port):
            await live(here)

    with pytest.raises(HostError, match=r"\\x1b\[2Jxxx") as caught:
        asyncio.run(scenario())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_being_told_to_end_before_the_run_is_no_run(tmp_path: Path) -> None:
    async def end_at_once() -> None:
        host = Host(settings, log_writer)
        host.terminate()
        await host.run()

    settings, _ = settings_of(Spec(machines=("vm1", "vm2")), tmp_path)
    log_writer = LogWriter(tmp_path, "vm1")
    try:
        with pytest.raises(TerminatedEarly):
            asyncio.run(end_at_once())
    finally:
        log_writer.close()


def test_a_machine_that_comes_back_late_is_told_the_start_that_it_knows(tmp_path: Path) -> None:
    """An hour after the epoch, which would be refused as somebody's wrong clock."""
    spec = Spec(machines=("vm1", "vm2"), duration_s=2 * 3600, seed=1).resolved()
    epoch_unix_ns = time.time_ns() - 3600 * SECOND_NS
    log = tmp_path / "vm2.jsonl"
    log.write_text(encode(Start("vm2", "test", epoch_unix_ns, spec.resolved())) + "\n")
    _, settings = settings_of(spec, tmp_path)
    past = read_past(settings)
    assert past is not None

    async def scenario() -> str:
        changes, log_writer = Changes(), LogWriter(tmp_path, "vm2", is_new=False)
        host = Host(settings, log_writer, past)
        hello = Membership("test", "vm1", spec.machines, spec.clocks).hello("vm2", spec.seed)
        first = Outgoing(f"localhost:{settings.port}", hello, changes.note)
        first.say(past.agreement.frame)
        first.finish()
        async with asyncio.TaskGroup() as group:
            group.create_task(host.run())
            group.create_task(first.run())
            await changes.until(lambda: first.finished or bool(first.refusal))
            first.leave()
            host.terminate()
        log_writer.close()
        return first.refusal

    assert asyncio.run(scenario()) == ""
    start, restart, *_, stop = read_log(log)
    assert isinstance(start, Start)
    assert isinstance(restart, Recovery)
    assert restart.at_ns > 3600 * SECOND_NS
    assert isinstance(stop, Stop)


def test_machines_with_a_certificate_have_a_run_and_learn_names(tmp_path: Path) -> None:
    spec = Spec(machines=("vm1", "vm2"), duration_s=1, ticks=(20, 30), seed=1)
    one, two = settings_of(spec, tmp_path, key=Key(new_certificate()))
    unnamed = replace(two, peers={}, addresses=(two.peers["vm1"],))
    asyncio.run(live_together([one, unnamed]))
    places = where_messages_ended(
        {name: read_whole_log(tmp_path / f"{name}.jsonl") for name in spec.machines}
    )
    assert places["sent"]
    assert sorted(places["sent"]) == sorted(
        places["received"] + places["inbox"] + places["undelivered"]
    )


def test_a_second_machine_of_a_name_is_not_accepted_and_says_so(tmp_path: Path) -> None:
    spec = Spec(machines=("vm1", "vm2"), duration_s=1, seed=1)
    one, two = settings_of(spec, tmp_path, key=Key(new_secret()), startup_s=5)
    changes, limit = Changes(), max_frame_bytes(spec.clocks, len(spec.machines))
    service = Service("vm1", changes.note, limit)
    service.open(Membership("test", "vm1", spec.machines, spec.clocks, one.key), spec)
    hello = Membership("test", "vm2", spec.machines, spec.clocks).hello("vm1", 1)
    first = Outgoing(two.peers["vm1"], hello, changes.note, one.key)

    async def scenario() -> str:
        async with served(service, one.port), asyncio.TaskGroup() as group:
            group.create_task(first.run())
            await changes.until(lambda: first.connected)
            with pytest.raises(HostError) as refused:
                await live(two)
            assert first.connected
            first.leave()
        return str(refused.value)

    reason = f"not connected: vm1 at {two.peers['vm1']} (vm2 is connected to vm1 already)"
    assert asyncio.run(scenario()) == f"after 5 s {reason}; start it, or correct --peers or --key"


def test_health_and_reflection(tmp_path: Path) -> None:
    """NOT_SERVING while a peer is missing, SERVING when all are there; services are listed."""

    async def scenario() -> None:
        one, two = settings_of(Spec(machines=("vm1", "vm2"), duration_s=1), tmp_path)
        async with (
            asyncio.TaskGroup() as group,
            grpc.aio.insecure_channel(f"localhost:{one.port}") as channel,
        ):
            group.create_task(live(one))
            stub = health_pb2_grpc.HealthStub(channel)
            watch = stub.Watch(
                health_pb2.HealthCheckRequest(service="vklocks.v2.Machine"), wait_for_ready=True
            )
            seen = [(await watch.read()).status]
            group.create_task(live(two))
            seen.append((await watch.read()).status)
            assert seen == [
                health_pb2.HealthCheckResponse.NOT_SERVING,
                health_pb2.HealthCheckResponse.SERVING,
            ]
            watch.cancel()
            assert "vklocks.v2.Machine" in await asyncio.to_thread(_services, one.port)

    asyncio.run(scenario())


def _services(port: int) -> list[str]:
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        return list(ProtoReflectionDescriptorDatabase(channel).get_services())


def _start(folder: Path, *arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-m", "vm", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for_tick(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    while "tick" not in (line := process.stdout.readline()) or "starts" in line:
        assert line, "ended before its first tick"


@pytest.fixture
def three(tmp_path: Path):
    ports = free_ports(3)
    address = {f"vm{n}": f"localhost:{port}" for n, port in enumerate(ports, 1)}
    processes = {}
    for name, port in zip(address, ports, strict=True):
        peers = ",".join(f"{n}={a}" for n, a in address.items() if n != name)
        options = ("--ticks", "20-40", "--tight", "--duration", "3", "--log", ".")
        processes[name] = _start(tmp_path, name, "--port", str(port), "--peers", peers, *options)
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


def test_sigterm_ends_a_machine_cleanly_and_the_others_go_on(tmp_path: Path, three: dict) -> None:
    _wait_for_tick(three["vm2"])
    three["vm2"].send_signal(signal.SIGTERM)
    outputs = {name: process.communicate(timeout=20)[0] for name, process in three.items()}
    assert {process.returncode for process in three.values()} == {0}, outputs
    logs = {name: read_whole_log(tmp_path / f"{name}.jsonl") for name in three}
    reasons = {name: stop.reason for name, (_, _, stop) in logs.items()}
    assert reasons == {"vm1": "finished", "vm2": "terminated", "vm3": "finished"}
    places = where_messages_ended(logs)
    assert {receiver for _, _, receiver in places["undelivered"]} == {"vm2"}
    ended = set(places["received"] + places["inbox"] + places["undelivered"])
    assert ended == set(places["sent"])


def test_a_killed_machine_leaves_no_receive_without_its_send(tmp_path: Path, three: dict) -> None:
    _wait_for_tick(three["vm2"])
    three["vm2"].kill()
    outputs = {name: process.communicate(timeout=20)[0] for name, process in three.items()}
    assert [p.returncode for p in three.values()] == [0, -signal.SIGKILL, 0], outputs
    sends, receives = set(), set()
    for name in three:
        for record in read_log(tmp_path / f"{name}.jsonl"):
            match record:
                case Event(kind="send"):
                    sends |= {(name, record.index, receiver) for receiver in record.to}
                case Event(kind="receive"):
                    receives.add((record.sender, record.cause, name))
    assert receives <= sends
    assert receives


def test_a_tethered_machine_ends_with_its_standard_input(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    options = ("--port", str(port), "--peers", "vm2=localhost:1", "--log", ".", "--tether")
    process = _start(tmp_path, "vm1", *options, stdin=subprocess.PIPE)
    assert process.stdout
    assert "waits for vm2" in process.stdout.readline()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 130, output


def test_peers_given_by_address_alone(tmp_path: Path) -> None:
    """The form of the first such labs: NAME PORT ADDRESS,ADDRESS."""
    ports = free_ports(2)
    options = ("--tight", "--min-ticks", "30", "--max-ticks", "40", "--duration", "1", "--log", ".")
    one = _start(tmp_path, "machine1", str(ports[0]), f"localhost:{ports[1]}", *options)
    two = _start(tmp_path, "machine2", str(ports[1]), f"localhost:{ports[0]}", *options)
    outputs = [one.communicate(timeout=20)[0], two.communicate(timeout=20)[0]]
    assert (one.returncode, two.returncode) == (0, 0), outputs
    start, events, _ = read_whole_log(tmp_path / "machine1.jsonl")
    assert start.spec.machines == ("machine1", "machine2")
    assert 30 <= start.spec.tick_rate_hz(start.machine) <= 40
    assert {event.sender for event in events if event.kind == "receive"} == {"machine2"}
