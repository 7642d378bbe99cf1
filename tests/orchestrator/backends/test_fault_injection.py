"""Which actions are applied when, and how the exit of a machine is interpreted."""

import time

from hypothesis import given

from orchestrator.backends.fault_injection import ACTIONS, Action, Injection, Supervisor, injections
from orchestrator.backends.outcome import KILLED
from specs import specs
from vm.faults import MachineFault, Partition, end_ns
from vm.spec import Spec


def spec_of(*faults: dict[str, object]) -> Spec:
    return Spec.parse({"machines": 2, "duration_s": 1, "faults": faults})


@given(spec=specs())
def test_everything_is_begun_and_ended_at_its_date(spec: Spec) -> None:
    done = injections(spec)
    dated = [f for f in spec.faults if isinstance(f, MachineFault | Partition)]
    assert [i.at_ns for i in done] == sorted(i.at_ns for i in done)
    for fault in dated:
        ours = [i for i in done if i.fault is fault]
        assert tuple(i.action for i in ours) == ACTIONS[type(fault)]
        assert ours[0].at_ns == fault.at_ns
        assert ours[-1].at_ns == end_ns(fault)
    assert len(done) == sum(len(ACTIONS[type(fault)]) for fault in dated)


def test_what_ends_at_an_instant_ends_before_something_else_begins() -> None:
    pause = {"kind": "pause", "machine": "vm1", "at_s": 0.5, "until_s": 0.7}
    restart = {"kind": "restart", "machine": "vm1", "at_s": 0.2, "until_s": 0.5}
    done = [(i.at_ns, i.action, i.machine) for i in injections(spec_of(pause, restart))]
    assert done == [
        (200_000_000, "kill", "vm1"),
        (500_000_000, "start", "vm1"),
        (500_000_000, "freeze", "vm1"),
        (700_000_000, "thaw", "vm1"),
    ]


class Machines:
    """Machines that end when they are killed, and when they have been started again."""

    def __init__(self, *faults: dict[str, object]) -> None:
        self.done: list[tuple[Action, str]] = []
        self.supervisor = Supervisor(spec_of(*faults))

    def wait(self) -> dict[str, int]:
        return self.supervisor.wait({"freeze": self.act, "kill": self.kill, "start": self.start})

    def act(self, injection: Injection) -> None:
        self.done.append((injection.action, injection.machine))

    def kill(self, injection: Injection) -> None:
        self.act(injection)
        self.supervisor.note_exit(injection.machine, KILLED)

    def start(self, injection: Injection) -> None:
        self.act(injection)
        self.supervisor.note_exit(injection.machine, 0)


RESTART = {"kind": "restart", "machine": "vm1", "at_s": 0.01, "until_s": 0.02}
CRASH = {"kind": "crash", "machine": "vm2", "at_s": 0.03}
PARTITION = {"kind": "partition", "groups": [["vm1"]], "at_s": 0.01, "until_s": 0.02}


def test_a_kill_is_an_end_unless_the_machine_comes_back() -> None:
    machines = Machines(CRASH, RESTART, PARTITION)
    machines.supervisor.note_epoch(time.time_ns())
    assert machines.wait() == {"vm1": 0, "vm2": KILLED}
    assert machines.done == [("kill", "vm1"), ("start", "vm1"), ("kill", "vm2")]


def test_nothing_is_done_to_a_machine_that_has_ended() -> None:
    machines = Machines(RESTART, CRASH)
    machines.supervisor.note_exit("vm1", 0)
    machines.supervisor.note_epoch(time.time_ns())
    assert machines.wait() == {"vm1": 0, "vm2": KILLED}
    assert machines.done == [("kill", "vm2")]


def test_nothing_is_done_before_the_run_has_begun() -> None:
    machines = Machines(RESTART, CRASH)
    for machine in ("vm1", "vm2"):
        machines.supervisor.note_exit(machine, 0)
    assert machines.wait() == {"vm1": 0, "vm2": 0}
    assert not machines.done


def test_it_is_no_use_to_wait_if_one_never_began() -> None:
    machines = Machines()
    machines.supervisor.note_exit("vm2", 3)
    assert machines.wait() == {"vm2": 3}
    assert not machines.supervisor.is_interrupted


def test_an_interrupted_wait_ends() -> None:
    machines = Machines()
    machines.supervisor.interrupt()
    assert machines.wait() == {}
    assert machines.supervisor.is_interrupted


def test_a_wait_without_sight_ends_after_the_exits_that_were_seen() -> None:
    machines = Machines()
    machines.supervisor.note_exit("vm1", 0)
    machines.supervisor.note_blindness("unplugged")
    assert machines.wait() == {"vm1": 0}
    assert machines.supervisor.disturbed == {"engine": "unplugged"}


def test_exits_that_were_all_seen_need_no_sight_any_more() -> None:
    machines = Machines()
    for machine in ("vm1", "vm2"):
        machines.supervisor.note_exit(machine, 0)
    machines.supervisor.note_blindness("unplugged")
    assert machines.wait() == {"vm1": 0, "vm2": 0}
    assert not machines.supervisor.disturbed
