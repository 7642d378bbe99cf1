"""The replay: any history fed back to pure machines, with the recorded arrivals as the network.

A machine's log holds all inputs of the machine: its ticks, and the arrivals of the messages that
it received or that were left in its inbox. So each machine is replayed by itself: before a tick,
the messages that had arrived by its instant (inclusive) are delivered; then the machine ticks, and
its event must equal the logged one. Messages carry the stamps that the rules of the clocks give
them, applied to the log of their sender; the receivers to which a fault left no copy, or two, are
drawn again from the spec.

Without the sends of the other machines, a machine is replayed as far as its own log determines it:
messages and timestamps are taken from the log, so no machine is blamed for the log of another. Of
clocks whose state no timestamp gives, the log holds the received stamps, so they are replayed.

No log holds the messages that were in a machine's inbox when it was killed. In an incarnation that
ended with a kill, the logged queue may therefore be longer than the replayed one. The difference
never falls, since these messages were never received, and it is 0 at every tick that found the
inbox empty.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from vm.channel import Channel, note
from vm.clocks import clock_of
from vm.faults import Duplication, Loss
from vm.latency import AS_IT_IS
from vm.log import encode
from vm.machine import Machine, fresh_machine
from vm.records import UNKNOWN, Arrival, Event, Message, Record, Recovery, Start, Stop
from vm.spec import Spec

#: How many events before a difference are shown with it.
EVENTS_BEFORE = 5


class ReplayError(ValueError):
    """Raised for logs that cannot be replayed, with the reason."""


@dataclass(frozen=True)
class Difference:
    """A record in which a log differs from its replayed machine.

    `replayed` is the machine's record in place of the `logged` one; None if it has none.
    `before` are the few events before it, on which log and machine agree.
    """

    machine: str
    logged: Event | Recovery | Stop
    replayed: Event | Recovery | Stop | None
    because: str
    before: tuple[Event, ...]

    @property
    def at_ns(self) -> float:
        """The time of the record; a stop record comes after everything else."""
        return float("inf") if isinstance(self.logged, Stop) else self.logged.at_ns

    def explain(self) -> str:
        """Return both records, and the events before them, as lines of a log."""
        lines = [f"{self.machine}: {self.because}"]
        lines += [f"  before    {encode(event)}" for event in self.before]
        lines += [f"  logged    {encode(self.logged)}"]
        lines += [f"  replayed  {encode(self.replayed)}"] if self.replayed else []
        return "\n".join(lines)


def replay(history: Mapping[str, Sequence[Record]]) -> Difference | None:
    """Return the first difference between logs and their replayed machines; None if all are equal.

    `history` holds the records of every machine of one run; ReplayError if it does not.
    """
    starts = {name: _start(name, records) for name, records in history.items()}
    for start in starts.values():
        if missing := [name for name in start.spec.machines if name not in history]:
            raise ReplayError(f"there is no log of {', '.join(missing)}")
    sends = {
        (name, event.index): sent
        for name, records in history.items()
        for event, sent in _sent(starts[name], records)
    }
    found = [
        difference
        for name, records in history.items()
        if (difference := _Replay(starts[name], sends).run(records))
    ]
    return min(found, key=lambda difference: difference.at_ns, default=None)


def replay_alone(records: Sequence[Record]) -> Difference | None:
    """Return the first difference between a log and its machine, replayed without the other logs.

    A log that ends without a stop record may be the beginning of a longer one.
    """
    start = records[0]
    assert isinstance(start, Start)
    return _Replay(start, None).run(records)


@dataclass(slots=True)
class _Impossible(Message):
    """A message that cannot be received, and why."""

    because: str


#: The messages of a send by their receivers, or why they are unknown.
_Sent = Mapping[str, Message] | str


def _sent(start: Start, records: Sequence[Record]) -> Iterator[tuple[Event, _Sent]]:
    """Yield the sends of a machine with the messages that no fault lost.

    From a receive on whose logged stamps cannot be, the messages are unknown.
    """
    machine, problem = fresh_machine(start.spec, start.machine), ""
    for event in records:
        if not isinstance(event, Event):
            continue
        messages: tuple[Message, ...] = ()
        if not problem:
            try:
                _check_form(event, start.spec)
                messages = machine.repeat(event)
            except ValueError as error:
                problem = f"its sender {start.machine} cannot be repeated: {error}"
        if event.kind == "send":
            there = {m.receiver: m for m in messages if m.receiver not in event.lost}
            yield event, problem or there


def _check_form(event: Event, spec: Spec) -> None:
    """Check that an event has what the rules of the clocks read; ValueError if not."""
    for name in spec.clocks:
        reading = event.clock.get(name)
        if not clock_of(name).is_timestamp(reading, len(spec.machines)):
            raise ValueError(f"event {event.index}: clock '{name}' reads {reading}")
    if event.kind == "receive" and event.sender not in spec.machines:
        raise ValueError(f"event {event.index}: there is no machine {event.sender!r}")
    if spec.reads_physical and event.physical_ns == UNKNOWN:
        raise ValueError(f"event {event.index}: physical_ns is missing")


@dataclass(frozen=True)
class _LoggedIncarnation:
    """The records of a machine from a start or recovery to a stop or kill."""

    begin: Start | Recovery
    events: tuple[Event, ...]
    stop: Stop | None


class _Replay:
    """The replay of one machine; `sends` are those of all machines, by machine and index.

    Without them, timestamps are taken from the log, as they depend on the other machines.
    """

    def __init__(self, start: Start, sends: Mapping[tuple[str, int], _Sent] | None) -> None:
        self._spec = start.spec
        self._name = start.machine
        self._sends = sends
        self._done: list[Event] = []
        self._reader = fresh_machine(start.spec, start.machine)
        #: Stands for the stamps that a log does not hold.
        self._unlogged = {
            name: clock_of(name).initial(0, len(start.spec.machines))
            for name in start.spec.clocks
            if clock_of(name).is_flat
        }
        # Without these faults every message has one copy, and nothing has to be drawn.
        self._notes = any(isinstance(f, Loss | Duplication) for f in start.spec.faults)
        self._channels = {
            peer: Channel(self._spec, self._name, peer, AS_IT_IS)
            for peer in self._spec.machines
            if peer != self._name
        }

    def run(self, records: Sequence[Record]) -> Difference | None:
        return next(filter(None, map(self._repeat, _incarnations(records))), None)

    def _repeat(self, incarnation: _LoggedIncarnation) -> Difference | None:
        if isinstance(incarnation.begin, Recovery) and incarnation.begin.events != len(self._done):
            counted = replace(incarnation.begin, events=len(self._done))
            return self._differ(incarnation.begin, counted, "it recovered another number of events")
        machine = fresh_machine(self._spec, self._name)
        machine.recover(self._done)
        arrivals = deque(self._arrivals(incarnation))
        died = 0
        for logged in incarnation.events:
            while arrivals and arrivals[0].arrived_ns <= logged.at_ns:
                machine.deliver(*arrivals.popleft())
            if machine.inbox and (problem := _problem(machine.inbox[0])):
                return self._differ(logged, None, problem)
            replayed, messages = machine.tick(logged.tick, logged.due_ns, logged.at_ns)
            if self._sends is None:
                replayed.clock |= {name: logged.clock[name] for name in self._unlogged}
                machine.clocks.adopt(logged.clock)
            for message in messages if self._notes else ():
                copies = self._channels[message.receiver].carry(logged.at_ns)
                note(replayed, message.receiver, len(copies))
            if incarnation.stop is None:
                # The logged queue counts messages that the kill destroyed, and no log has them.
                if replayed.kind == "receive":
                    died = max(died, logged.queue - replayed.queue)
                replayed.queue += died
            if replayed != logged:
                return self._differ(logged, replayed, _differing(logged, replayed))
            self._done.append(logged)
        return self._stop(incarnation.stop, machine, arrivals) if incarnation.stop else None

    def _arrivals(self, incarnation: _LoggedIncarnation) -> list[Arrival]:
        """Return the arrivals of an incarnation that its log lists, in the order of their times."""
        arrivals = [
            Arrival(self._message(event.sender, event.cause, event), event.arrived_ns)
            for event in incarnation.events
            if event.kind == "receive"
        ]
        left = incarnation.stop.inbox if incarnation.stop else ()
        arrivals += [
            Arrival(self._message(unread.sender, unread.cause), unread.arrived_ns)
            for unread in left
        ]
        return sorted(arrivals, key=lambda arrival: arrival.arrived_ns)

    def _message(self, sender: str, cause: int, receive: Event | None = None) -> Message:
        """Return the message of a send to this machine.

        `receive` is the logged receive of the message, if it was received.
        """
        if self._sends is None:
            return self._logged_message(sender, cause, receive)
        sent = self._sends.get((sender, cause), {})
        if message := None if isinstance(sent, str) else sent.get(self._name):
            return message
        nothing = f"event {cause} of {sender} sent it nothing"
        because = sent if isinstance(sent, str) else nothing
        return _Impossible(sender, self._name, cause, {}, because)

    def _logged_message(self, sender: str, cause: int, receive: Event | None) -> Message:
        """Return a message with its stamps as far as the log of its receiver holds them."""
        if len(self._unlogged) == len(self._spec.clocks):
            return Message(sender, self._name, cause, self._unlogged)
        because = f"event {cause} of {sender} had arrived before, and stayed in the inbox"
        if receive:
            try:
                if sender not in self._spec.machines:
                    raise ValueError(f"there is no machine {sender!r}")
                stamps = self._unlogged | self._reader.read_logged(receive)
                return Message(sender, self._name, cause, stamps)
            except ValueError as error:
                because = str(error)
        return _Impossible(sender, self._name, cause, {}, because)

    def _stop(
        self, logged: Stop, machine: Machine, arrivals: Iterable[Arrival]
    ) -> Difference | None:
        for arrival in arrivals:
            machine.deliver(*arrival)
        replayed = replace(logged, events=machine.events, inbox=machine.unread())
        if self._sends is not None and (
            problem := next(filter(None, map(_problem, machine.inbox)), "")
        ):
            return self._differ(logged, None, problem)
        if replayed == logged:
            return None
        return self._differ(logged, replayed, f"at the end, {_differing(logged, replayed)}")

    def _differ(
        self,
        logged: Event | Recovery | Stop,
        replayed: Event | Recovery | Stop | None,
        because: str,
    ) -> Difference:
        before = tuple(self._done[-EVENTS_BEFORE:])
        return Difference(self._name, logged, replayed, because, before)


def _start(name: str, records: Sequence[Record]) -> Start:
    if not records or not isinstance(records[0], Start):
        raise ReplayError(f"the log of {name} does not begin with a start record")
    return records[0]


def _incarnations(records: Sequence[Record]) -> Iterator[_LoggedIncarnation]:
    """Cut the records of a machine into its incarnations, where it starts or recovers."""
    begins = [n for n, record in enumerate(records) if isinstance(record, Start | Recovery)]
    for first, end in pairwise([*begins, len(records)]):
        begin, *rest = records[first:end]
        assert isinstance(begin, Start | Recovery)
        events = tuple(record for record in rest if isinstance(record, Event))
        stops = [record for record in rest if isinstance(record, Stop)]
        yield _LoggedIncarnation(begin, events, stops[0] if stops else None)


def _problem(arrival: Arrival) -> str:
    """Return why a message cannot be received, or "" if it can."""
    return arrival.message.because if isinstance(arrival.message, _Impossible) else ""


def _differing(logged: Event | Stop, replayed: Event | Stop) -> str:
    """Name the fields in which two records differ, as in `the fields to, queue differ`."""
    names = [known.name for known in fields(logged)]
    different = [name for name in names if getattr(logged, name) != getattr(replayed, name)]
    if len(different) == 1:
        return f"the field {different[0]} differs"
    return f"the fields {', '.join(different)} differ"
