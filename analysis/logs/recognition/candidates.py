"""Candidate readings of logs: the roles of the values of each shape, and the events in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.logs.recognition.evidence.score import Logged, Score, Seen, score
from analysis.logs.recognition.mined.shapes import Entry, Value
from analysis.logs.recognition.names import Naming
from analysis.logs.recognition.sample import Sample, Slots
from vm.records import Kind

#: What a reading is worth that names all receivers, and one that names the senders.
NAMED = 10
MAX_UNITY = 5
#: A lead by which clocks alone tell the kinds of events.
SURE = 12
#: Beyond chance, so many bits show that stamps are those of sends.
STAMP_BITS = 20
#: Where most events are sends, chance explains nearly every receive: in bits for each.
LEAST_BITS = 0.5
#: A peer is one of few: more different values are no names.
MAX_PEERS = 64
MACHINE_WORDS = {
    "machine",
    "machines",
    "vm",
    "node",
    "process",
    "host",
    "server",
    "worker",
    "peer",
} | {
    "me",
    "port",
    "pid",
    "id",
    "who",
}


@dataclass(frozen=True)
class Roles:
    """The roles of the values of one shape, by slot; None if the shape has no such value."""

    kind: Kind
    clock: int
    time: int | None = None
    queue: int | None = None
    stamp: int | None = None
    peer: int | None = None
    to_all: bool = False
    #: Steps around the machines in their order, if words name a neighbour.
    steps: int = 0


@dataclass(frozen=True)
class Candidate:
    """An assignment of roles to the shapes of a sample, and its score."""

    roles: Mapping[int, Roles]
    logged: Logged
    machines: tuple[str, ...]
    receivers: Naming | None
    senders: Naming | None
    score: Score
    agreement: int
    #: By how much it ranks above the best reading with other kinds of events.
    lead: float = 0
    #: Another reading that is as good, and sees other events.
    rival: "Candidate | None" = None

    @property
    def rank(self) -> float:
        named = bool(self.score.is_addressed) + bool(self.senders)
        cost = sum(naming.cost for naming in (self.receivers, self.senders) if naming)
        return self.score.total + self.agreement + NAMED * named - cost

    @property
    def is_by_name(self) -> bool:
        """Whether peers, if any, are named as the machines are."""
        return not any(naming and naming.cost for naming in (self.receivers, self.senders))

    @property
    def bare(self) -> "Candidate":
        """The reading without peers."""
        roles = {
            shape: replace(one, peer=None, to_all=False, steps=0)
            for shape, one in self.roles.items()
        }
        return replace(self, roles=roles, receivers=None, senders=None)

    @property
    def is_perfect(self) -> bool:
        """Whether receivers are named, and every event follows from the events before."""
        is_whole = not self.score.misfits and not self.score.foreign
        return self.score.is_addressed and self.score.explained > 0 and is_whole

    @property
    def is_stamped(self) -> bool:
        """Whether all messages have a stamp, and no other event: that tells the kinds of events."""
        return all(
            (one.stamp is not None) == (one.kind != "internal") for one in self.roles.values()
        )

    @property
    def makes_sense(self) -> bool:
        """Whether there are sends and receives, and most clocks follow from the events before."""
        events = self.score.explained + self.score.unexplained + self.score.followed
        # Without a word or a peer, nothing tells a send from an internal event.
        by_clocks = self.lead > SURE and self.score.bits > LEAST_BITS * self.score.explained
        by_stamps = (
            self.is_stamped
            and self.score.bits > STAMP_BITS
            and self.score.explained > 9 * self.score.unexplained
        )
        is_told = self.agreement > MAX_UNITY or self.score.is_addressed or by_clocks or by_stamps
        follows = self.score.followed > self.score.odd
        # Of machines with one speed no clock jumps, and no receive needs a certain send.
        explains = self.score.total > 0 or self.score.is_quiet or self.score.is_linked
        return follows and explains and events > 0 and is_told


@dataclass(frozen=True)
class Logs:
    """A sample, with the machine of each entry."""

    sample: Sample
    entries: Mapping[str, Sequence[Entry]]
    #: The slot that holds the machine's own name, by shape.
    own: Slots

    @property
    def is_coded(self) -> bool:
        """Whether numbers are tried out as kinds of events."""
        return self.sample.mined.is_coded

    @property
    def machines(self) -> tuple[str, ...]:
        return tuple(self.entries)


def whole(value: Value) -> int:
    return int(str(value).partition(".")[0])


def texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def names_a_peer(logs: Logs, shape: int) -> bool:
    """Return whether lines of a shape have a name, of several, that is not their own machine's."""
    one = logs.sample.shapes[shape]
    return any(
        (one.key[at].kind == "name" or logs.sample.name(shape, slot) in MACHINE_WORDS)
        and logs.own.get(shape) != slot
        and 1 < len({*logs.sample.values(shape, slot)}) <= MAX_PEERS
        for slot, at in enumerate(one.slots)
    )


def scored(logs: Logs, events: Mapping[str, Sequence[Entry]], reading: Candidate) -> Candidate:
    read = {
        machine: [event_of(reading, machine, entry) for entry in some]
        for machine, some in events.items()
    }
    return replace(reading, score=score(merged(read), reading.logged))


def merged(events: Mapping[str, Sequence[Seen]]) -> dict[str, list[Seen]]:
    """Join the lines of a multicast that is logged once per receiver with the same clock."""
    merged: dict[str, list[Seen]] = {}
    for machine, some in events.items():
        own: list[Seen] = []
        for event in some:
            last = own[-1] if own else None
            if last and event.kind == last.kind == "send" and event.clock == last.clock:
                to = (*(last.to or ()), *(event.to or ()))
                own[-1] = last._replace(to=to or None)
            else:
                own.append(event)
        merged[machine] = own
    return merged


def event_of(reading: Candidate, machine: str, entry: Entry) -> Seen:
    """Return the event of an entry, with the peers as far as the reading names them."""
    roles = reading.roles[entry.shape]
    clock = whole(entry.values[roles.clock])
    stamp = None if roles.stamp is None else whole(entry.values[roles.stamp])
    return Seen(
        roles.kind,
        clock,
        to_of(reading, roles, machine, entry) if roles.kind == "send" else None,
        sender_of(reading, roles, machine, entry) if roles.kind == "receive" else None,
        stamp,
    )


def to_of(reading: Candidate, roles: Roles, machine: str, entry: Entry) -> tuple[str, ...] | None:
    """Return the receivers of a send; None if nothing names them."""
    machines = reading.machines
    if roles.to_all:
        return tuple(other for other in machines if other != machine)
    if roles.steps:
        return (machines[(machines.index(machine) + roles.steps) % len(machines)],)
    if roles.peer is None or reading.receivers is None:
        return None
    named = [
        one
        for text in texts(entry.values[roles.peer])
        for one in (reading.receivers.machine(text, machine, machines) or (text,))
    ]
    return tuple(dict.fromkeys(named)) or None


def peers_of(
    reading: Candidate, events: Mapping[str, Sequence[Entry]]
) -> list[tuple[str, ...] | str | None]:
    """Return the receivers of all sends, and the senders of all receives."""
    return [
        to_of(reading, roles, machine, entry)
        if roles.kind == "send"
        else sender_of(reading, roles, machine, entry)
        for machine, some in events.items()
        for entry in some
        if (roles := reading.roles[entry.shape]).kind != "internal"
    ]


def sender_of(reading: Candidate, roles: Roles, machine: str, entry: Entry) -> str | None:
    if roles.peer is None or reading.senders is None:
        return None
    (text, *_) = texts(entry.values[roles.peer]) or ("",)
    return next(iter(reading.senders.machine(text, machine, reading.machines)), text)
