"""Faults done to the real thing, at their dates, while a run's machines are watched."""

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from orchestrator.backends.outcome import KILLED
from vm.channel import last_departure_ns
from vm.faults import Crash, MachineFault, Partition, Pause, Restart, end_ns
from vm.schedule import SECOND_NS
from vm.spec import Spec

Action = Literal["freeze", "thaw", "kill", "start", "separate", "join"]

STARTUP_S = 30
#: What a run may take beyond start-up, duration and latency: whoever was down comes back, all
#: drain, and the computer is busy.
MARGIN_S = 15
#: Exit codes of a machine that never began, or could not go on: its peers need not wait for it.
NEVER_BEGAN = (2, 3)
#: What is done at a fault's beginning, and at its end.
ACTS: dict[type[MachineFault | Partition], tuple[Action, ...]] = {
    Pause: ("freeze", "thaw"),
    Crash: ("kill",),
    Restart: ("kill", "start"),
    Partition: ("separate", "join"),
}


@dataclass(frozen=True)
class Injection:
    """Something that is to be done, at a date, to a machine or to the network between them."""

    at_ns: int
    action: Action
    fault: MachineFault | Partition

    @property
    def machine(self) -> str:
        """The machine that it is done to; "" for the network."""
        return "" if isinstance(self.fault, Partition) else self.fault.machine


def injections(spec: Spec) -> list[Injection]:
    """All that the faults of a spec ask for, in order; at one instant what ends goes first."""
    dated = [
        (at_ns, begins, Injection(at_ns, what, fault))
        for fault in spec.faults
        if isinstance(fault, MachineFault | Partition)
        for what, at_ns, begins in zip(
            ACTS[type(fault)], (fault.at_ns, end_ns(fault)), (True, False), strict=False
        )
    ]
    return [one for _, _, one in sorted(dated, key=lambda entry: entry[:2])]


class Watch:
    """Waits until all machines of a run have ended, and intervenes meanwhile.

    `acts` are the backend's; what is not among them is not done, nor is anything to a machine
    that has ended. `wait` and `acts` run in one thread; the other methods are for any.
    """

    def __init__(self, spec: Spec, acts: Mapping[Action, Callable[[Injection], None]]) -> None:
        self._machines = len(spec.machines)
        self._limit_s = STARTUP_S + last_departure_ns(spec) / SECOND_NS + MARGIN_S
        self._acts = acts
        self._agenda = deque(one for one in injections(spec) if one.action in acts)
        self._epoch_s: float | None = None
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._interrupted = threading.Event()
        self._exit_codes: dict[str, int] = {}
        #: Kills of machines that come back, of which the end has not been seen yet.
        self._killed: Counter[str] = Counter()

    @property
    def is_interrupted(self) -> bool:
        return self._interrupted.is_set()

    def interrupt(self) -> None:
        """End the watch soon."""
        self._interrupted.set()
        self._news.put(lambda: None)

    def begun(self, epoch_unix_ns: int) -> None:
        """A machine's log has begun, and says when the run does."""
        self._news.put(partial(self._note_epoch, epoch_unix_ns))

    def ended(self, machine: str, exit_code: int) -> None:
        self._news.put(partial(self._note_end, machine, exit_code))

    def wait(self) -> dict[str, int]:
        """The exit codes of the machines that ended, for good and in time.

        It is no use to wait for the others once one never began, or the run is interrupted.
        """
        deadline_s = time.monotonic() + self._limit_s
        while not self._is_over():
            instant_s = min(deadline_s, self._next_s())
            try:
                self._news.get(timeout=max(0, instant_s - time.monotonic()))()
            except queue.Empty:
                if instant_s == deadline_s:
                    break
                self._inject(self._agenda.popleft())
        return self._exit_codes

    def _is_over(self) -> bool:
        return (
            self.is_interrupted
            or len(self._exit_codes) == self._machines
            or not set(self._exit_codes.values()).isdisjoint(NEVER_BEGAN)
        )

    def _next_s(self) -> float:
        """When something is to be done, by the monotonic clock."""
        if self._epoch_s is None or not self._agenda:
            return float("inf")
        return self._epoch_s + self._agenda[0].at_ns / SECOND_NS

    def _inject(self, injection: Injection) -> None:
        machine = injection.machine
        if machine in self._exit_codes:
            return
        if isinstance(injection.fault, Restart) and injection.action == "kill":
            self._killed[machine] += 1
        self._acts[injection.action](injection)

    def _note_epoch(self, epoch_unix_ns: int) -> None:
        if self._epoch_s is None:
            self._epoch_s = time.monotonic() + (epoch_unix_ns - time.time_ns()) / SECOND_NS

    def _note_end(self, machine: str, exit_code: int) -> None:
        if exit_code == KILLED and self._killed[machine]:
            self._killed[machine] -= 1
        else:
            self._exit_codes[machine] = exit_code
