"""The phases of runs in wall time, over machines that end at once."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from orchestrator.backends import BACKENDS
from orchestrator.backends.docker import MAX_SHARED_RATE_HZ, jobs_on
from orchestrator.backends.fault_injection import Actions, Supervisor
from orchestrator.backends.outcome import RunOutcome
from orchestrator.backends.wall_clock import WallClockRun
from vm.files import MachineOutcome
from vm.spec import Spec

MEETING_S = 0.2


class Ending:
    """A cluster of machines that end when they start; it notes whether another starts beside it."""

    def __init__(self, spec: Spec, supervisor: Supervisor, meeting: Barrier) -> None:
        self.actions: Actions = {}
        self.versions: dict[str, str] = {}
        self.clock_ahead_ns = 0
        self.met = False
        self._spec = spec
        self._supervisor = supervisor
        self._meeting = meeting

    def create(self, directory: Path, stack: ExitStack) -> None:
        try:
            self._meeting.wait(MEETING_S)
            self.met = True
        except BrokenBarrierError:
            self._meeting.reset()

    def start(self, stack: ExitStack) -> None:
        for machine in self._spec.machines:
            self._supervisor.note_exit(machine, 0)

    def stop(self, running: Collection[str]) -> None:
        assert not running

    def collect(self, directory: Path) -> dict[str, MachineOutcome]:
        return {}

    def last_output(self, machine: str) -> str:
        return ""


def test_runs_start_one_after_the_other(tmp_path: Path) -> None:
    clusters, meeting = list[Ending](), Barrier(2)

    @contextmanager
    def ending(spec: Spec, run: str, supervisor: Supervisor) -> Iterator[Ending]:
        clusters.append(Ending(spec, supervisor, meeting))
        yield clusters[-1]

    runs = [WallClockRun(Spec(), name, ending) for name in ("one", "two")]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(partial(r.execute, tmp_path, RunOutcome(), print)) for r in runs]:
            done.result()
    assert [cluster.met for cluster in clusters] == [False, False]


@pytest.mark.parametrize(("rate_hz", "is_alone"), [(MAX_SHARED_RATE_HZ, False), (60, True)])
@pytest.mark.parametrize("field", ["ticks", "tick_rates_hz"])
def test_containers_of_fast_machines_have_the_computer_for_themselves(
    field: str, rate_hz: int, is_alone: bool
) -> None:
    rates = {"ticks": (1, rate_hz), "tick_rates_hz": {"vm1": rate_hz}}
    fast = Spec(**{field: rates[field]})
    assert (jobs_on(2, [Spec(), fast]) == 1) == is_alone
    assert (jobs_on(4, [Spec(), fast]) > jobs_on(2, [Spec(), fast])) != is_alone
    assert BACKENDS["processes"].jobs([Spec(), fast]) > 1
