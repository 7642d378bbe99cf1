"""What is done to the real thing, when, and how the end of a machine is understood."""

import time

from hypothesis import given

from orchestrator.backends.fault_injection import ACTS, Action, Injection, Watch, injections
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
        assert tuple(i.action for i in ours) == ACTS[type(fault)]
        assert ours[0].at_ns == fault.at_ns
        assert ours[-1].at_ns == end_ns(fault)
    assert len(done) == sum(len(ACTS[type(fault)]) for fault in dated)


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


class Backend:
    """Machines that end when they are killed, and when they have been started again."""

    def __init__(self, *faults: dict[str, object]) -> None:
        self.done: list[tuple[Action, str]] = []
        self.watch = Watch(
            spec_of(*faults), {"freeze": self.act, "kill": self.kill, "start": self.start}
        )

    def act(self, injection: Injection) -> None:
        self.done.append((injection.action, injection.machine))

    def kill(self, injection: Injection) -> None:
        self.act(injection)
        self.watch.ended(injection.machine, KILLED)

    def start(self, injection: Injection) -> None:
        self.act(injection)
        self.watch.ended(injection.machine, 0)


RESTART = {"kind": "restart", "machine": "vm1", "at_s": 0.01, "until_s": 0.02}
CRASH = {"kind": "crash", "machine": "vm2", "at_s": 0.03}
PARTITION = {"kind": "partition", "groups": [["vm1"]], "at_s": 0.01, "until_s": 0.02}


def test_a_kill_is_an_end_unless_the_machine_comes_back() -> None:
    backend = Backend(CRASH, RESTART, PARTITION)
    backend.watch.begun(time.time_ns())
    assert backend.watch.wait() == {"vm1": 0, "vm2": KILLED}
    assert backend.done == [("kill", "vm1"), ("start", "vm1"), ("kill", "vm2")]


def test_nothing_is_done_to_a_machine_that_has_ended() -> None:
    backend = Backend(RESTART, CRASH)
    backend.watch.ended("vm1", 0)
    backend.watch.begun(time.time_ns())
    assert backend.watch.wait() == {"vm1": 0, "vm2": KILLED}
    assert backend.done == [("kill", "vm2")]


def test_nothing_is_done_before_the_run_has_begun() -> None:
    backend = Backend(RESTART, CRASH)
    for machine in ("vm1", "vm2"):
        backend.watch.ended(machine, 0)
    assert backend.watch.wait() == {"vm1": 0, "vm2": 0}
    assert not backend.done


def test_it_is_no_use_to_wait_if_one_never_began() -> None:
    backend = Backend()
    backend.watch.ended("vm2", 3)
    assert backend.watch.wait() == {"vm2": 3}
    assert not backend.watch.is_interrupted


def test_an_interrupted_watch_ends() -> None:
    backend = Backend()
    backend.watch.interrupt()
    assert backend.watch.wait() == {}
    assert backend.watch.is_interrupted
