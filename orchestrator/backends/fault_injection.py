"""Supervision of real machines, and the faults that are applied to them at given times."""

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from orchestrator.backends.outcome import KILLED, InterruptedBeforeStart
from vm.channel import last_departure_ns
from vm.faults import Crash, MachineFault, Partition, Pause, Restart, end_ns
from vm.schedule import SECOND_NS
from vm.spec import Spec

Action = Literal["freeze", "thaw", "kill", "start", "separate", "join"]

STARTUP_S = 30
#: Extra time for restarts, for draining and for a busy computer.
MARGIN_S = 15
#: Exit codes of a machine that never began, or could not continue: its peers need not wait for it.
NEVER_BEGAN = (2, 3)
#: The action at a fault's beginning, and the one at its end.
ACTIONS: dict[type[MachineFault | Partition], tuple[Action, ...]] = {
    Pause: ("freeze", "thaw"),
    Crash: ("kill",),
    Restart: ("kill", "start"),
    Partition: ("separate", "join"),
}


@dataclass(frozen=True)
class Injection:
    """An action at a given time, on a machine or on the network."""

    at_ns: int
    action: Action
    fault: MachineFault | Partition

    @property
    def machine(self) -> str:
        """The machine that the action is applied to; "" for the network."""
        return "" if isinstance(self.fault, Partition) else self.fault.machine


Actions = Mapping[Action, Callable[[Injection], None]]


def injections(spec: Spec) -> list[Injection]:
    """Return the injections of a spec in order; at the same instant, ends of faults come first."""
    dated = [
        (at_ns, begins, Injection(at_ns, action, fault))
        for fault in spec.faults
        if isinstance(fault, MachineFault | Partition)
        for action, at_ns, begins in zip(
            ACTIONS[type(fault)], (fault.at_ns, end_ns(fault)), (True, False), strict=False
        )
    ]
    return [injection for _, _, injection in sorted(dated, key=lambda entry: entry[:2])]


class Supervisor:
    """A supervisor that injects faults until all machines of a run have ended.

    `wait` runs in one thread; the other methods may run in any.
    """

    def __init__(self, spec: Spec) -> None:
        self._machines = len(spec.machines)
        self._limit_s = STARTUP_S + last_departure_ns(spec) / SECOND_NS + MARGIN_S
        self._agenda = deque(injections(spec))
        self._epoch_s: float | None = None
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._interrupted = threading.Event()
        self._exit_codes: dict[str, int] = {}
        self._is_blind = False
        #: Kills of machines that will restart, if their exits have not been noted yet.
        self._killed: Counter[str] = Counter()
        #: Interference from outside with a machine or its log, in a few words.
        self.disturbed: dict[str, str] = {}

    @property
    def is_interrupted(self) -> bool:
        return self._interrupted.is_set()

    def check_interrupted(self) -> None:
        """Raise InterruptedBeforeStart if the run is interrupted."""
        if self.is_interrupted:
            raise InterruptedBeforeStart

    def interrupt(self) -> None:
        """End the wait soon."""
        self._interrupted.set()
        self._news.put(lambda: None)

    def note_epoch(self, epoch_unix_ns: int) -> None:
        """Note the epoch that a machine's log gives."""
        self._news.put(partial(self._set_epoch, epoch_unix_ns))

    def note_exit(self, machine: str, exit_code: int) -> None:
        """Note that a machine's process has ended."""
        self._news.put(partial(self._set_exit, machine, exit_code))

    def note_blindness(self, cause: str) -> None:
        """Note that exits cannot be observed any more; the wait ends soon."""
        self._news.put(partial(self._set_blind, cause))

    def note_disturbance(self, machine: str, cause: str) -> None:
        """Note interference from outside with a machine or its log; the first cause stays."""
        self.disturbed.setdefault(machine, cause)

    def wait(self, actions: Actions) -> dict[str, int]:
        """Wait for the machines, and return the exit codes of those that ended for good in time.

        The wait ends early if one machine never began, if the run is interrupted, or if exits
        cannot be observed any more. `actions` are called in this thread. No action is applied to a
        machine that has ended; missing actions are skipped.
        """
        deadline_s = time.monotonic() + self._limit_s
        while not self._is_over():
            instant_s = min(deadline_s, self._next_s())
            try:
                self._news.get(timeout=max(0, instant_s - time.monotonic()))()
            except queue.Empty:
                if instant_s == deadline_s:
                    break
                self._inject(self._agenda.popleft(), actions)
        return self._exit_codes

    def _is_over(self) -> bool:
        return (
            self.is_interrupted
            or self._is_blind
            or len(self._exit_codes) == self._machines
            or not set(self._exit_codes.values()).isdisjoint(NEVER_BEGAN)
        )

    def _next_s(self) -> float:
        """Return the time of the next injection on the monotonic clock."""
        if self._epoch_s is None or not self._agenda:
            return float("inf")
        return self._epoch_s + self._agenda[0].at_ns / SECOND_NS

    def _inject(self, injection: Injection, actions: Actions) -> None:
        machine = injection.machine
        if machine in self._exit_codes or injection.action not in actions:
            return
        if isinstance(injection.fault, Restart) and injection.action == "kill":
            self._killed[machine] += 1
        actions[injection.action](injection)

    def _set_epoch(self, epoch_unix_ns: int) -> None:
        if self._epoch_s is None:
            self._epoch_s = time.monotonic() + (epoch_unix_ns - time.time_ns()) / SECOND_NS

    def _set_blind(self, cause: str) -> None:
        self._is_blind = True
        self.note_disturbance("engine", cause)

    def _set_exit(self, machine: str, exit_code: int) -> None:
        if exit_code == KILLED and self._killed[machine]:
            self._killed[machine] -= 1
        else:
            self._exit_codes[machine] = exit_code
