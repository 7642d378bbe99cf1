"""Histories in the log formats of other programs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from histories import Name, World
from unruly import events_of
from vm.records import Event

Clocks = dict[Name, int]


def lamport(world: World) -> Clocks:
    return {name: event.clock["lamport"] for name, event in events_of(world)}


def stamped_before(world: World) -> Clocks:
    """Return the clocks of machines that stamp before they advance: a send at 7 carries 6."""
    clocks: Clocks = {}
    waiting = [(name, event) for name, event in events_of(world)]
    while waiting:
        for name, event in list(waiting):
            machine, index = name
            own = clocks.get((machine, index - 1), 0 if index == 0 else None)
            cause = (event.sender, event.cause)
            if own is None or (event.kind == "receive" and cause not in clocks):
                continue
            stamp = clocks[cause] - 1 if event.kind == "receive" else 0
            clocks[name] = max(own, stamp) + 1
            waiting.remove((name, event))
    return clocks


@dataclass
class Delimited:
    """`time|clock|kind|queue|peer`, one file per machine, in one of many variants."""

    delimiter: str = "|"
    header: str = ""
    clocks: Callable[[World], Clocks] = lamport
    once_per_receiver: bool = False
    queue_before: bool = False
    without_peers: bool = False
    time: Callable[[int], str] = lambda at_ns: f"{at_ns / 1e9:.3f}"

    def write(self, world: World, directory: Path) -> Path:
        clocks = self.clocks(world)
        for machine, events in world.events.items():
            lines = [self.header] * bool(self.header)
            for event in events:
                lines += self._lines(event, clocks[machine, event.index])
            text = "".join(f"{line}\n" for line in lines)
            (directory / f"{machine}.log").write_text(text)
        return directory

    def _lines(self, event: Event, clock: int) -> Iterator[str]:
        peers = [event.sender] if event.kind == "receive" else [" ".join(event.to)]
        if event.kind == "send" and self.once_per_receiver:
            peers = list(event.to)
        queue = event.queue + (self.queue_before and event.kind == "receive")
        for peer in [""] if self.without_peers else peers:
            cells = [self.time(event.at_ns), str(clock), event.kind.upper(), str(queue), peer]
            yield self.delimiter.join(cells)


def write_as_the_first_vklocks(world: World, directory: Path) -> Path:
    """Write the text logs of the first vklocks."""
    ports = {machine: 50051 + n for n, machine in enumerate(world.spec.machines)}
    for machine, events in world.events.items():
        lines = [
            (0, f"Machine {machine} initialized with tick rate 3 ticks per second"),
            (0, f"gRPC server started on port {ports[machine]}"),
        ]
        unread = world.machines[machine].inbox
        arrived = [(e.arrived_ns, e.sender, e.cause) for e in events if e.kind == "receive"]
        arrived += [(arrived_ns, message.sender, message.index) for message, arrived_ns in unread]
        for arrived_ns, sender, cause in arrived:
            stamp = world.events[sender][cause].clock["lamport"]
            lines.append((arrived_ns, f"Received message from {sender}: received_clock={stamp}"))
        for event in events:
            lines += [(event.at_ns, line) for line in _of_the_first_vklocks(event, ports)]
        texts = (
            f"2025-03-05 16:55:{at_ns // 10**9:02},{at_ns // 10**6 % 1000:03} INFO: {text}"
            + (", system_time=1741211741" if "clock" in text and "queue" not in text else "")
            for at_ns, text in sorted(lines, key=lambda one: one[0])
        )
        (directory / f"{machine}_log.txt").write_text("".join(f"{text}\n" for text in texts))
    return directory


def _of_the_first_vklocks(event: Event, ports: dict[str, int]) -> Iterator[str]:
    clock = event.clock["lamport"]
    for receiver in event.to:
        yield f"Sent message to localhost:{ports[receiver]}: sent_clock={clock}"
    updated = f"updated logical clock to {clock}"
    if event.kind == "internal":
        yield f"Internal event: {updated}"
    elif event.kind == "receive":
        queue = f"system_time=1741211741, queue_length={event.queue}"
        yield f"Processed received message: {updated}, {queue}"
    elif len(event.to) == 1:
        yield f"Sent event to localhost:{ports[event.to[0]]}: {updated}"
    else:
        yield f"Broadcast sent: {updated}"
