"""A channel: one directed pair of machines, reliable across reconnects, in order by default.

`Channel` says when the copies of each message arrive, by latency and faults. The two ends are
protocol cores, without IO. The sending end numbers its messages from 1. The receiving end
takes exactly the next number: a lower one is a resend of something already taken, a higher one
means that something before it is missing. It says how far it has got with two counts:
`received`, what has arrived, from where the sender goes on sending; and `logged`, what has been
received by a tick that is in the log. A message that has only arrived dies with a machine that
is killed, so the sender keeps each until it is logged. Whoever connects, again or to a receiver
that has come back with what its log holds, asks for both counts first, and sends from
`received` on; several connections may carry the same channel at once without harm.
"""

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from vm.faults import ChannelFault, Delay, Duplication, Loss, Partition
from vm.latency import AS_IT_IS, Latency
from vm.records import Event, Message
from vm.spec import Spec, generator

#: The largest number that a generator draws.
BELOW_1 = 1 - 2**-53


class Copy(NamedTuple):
    """One copy of a message: until when faults hold it at its sender, and when it arrives."""

    leaves_ns: int
    arrives_ns: int


class Channel:
    """When messages that are sent on one channel of a run arrive.

    How much is drawn depends on the instants of the sends alone, and neither on the latency nor
    on partitions: per message once for each active loss until one strikes, once for each active
    duplication until one strikes, then per copy once for the latency and once for each active
    delay. Without `partitions` those of the spec are left to somebody who cuts the network.
    """

    def __init__(
        self, spec: Spec, sender: str, receiver: str, latency: Latency, *, partitions: bool = True
    ) -> None:
        befalling = [
            fault
            for fault in spec.faults
            if isinstance(fault, ChannelFault)
            and sender in fault.senders
            and receiver in fault.receivers
        ]
        self._losses = [fault for fault in befalling if isinstance(fault, Loss)]
        self._duplications = [fault for fault in befalling if isinstance(fault, Duplication)]
        self._delays = [fault for fault in befalling if isinstance(fault, Delay)]
        self._partitions = [
            fault
            for fault in spec.faults
            if partitions and isinstance(fault, Partition) and fault.separates(sender, receiver)
        ]
        self._is_plain = spec.fifo and not (befalling or self._partitions)
        self._is_fifo = spec.fifo
        self._quantile_ns = latency.quantile_ns
        self._seed, self._name = spec.seed, f"{sender}->{receiver}"
        self._draw = generator(self._seed, self._name, "channel").random
        #: No copy on a channel that keeps order leaves or arrives before these.
        self._leaves_ns = self._arrives_ns = 0

    def carry(self, at_ns: int) -> tuple[int, ...]:
        """When the copies of a message arrive that is sent at `at_ns`: none, one, or two.

        Messages are carried in the order in which they are sent.
        """
        if self._is_plain:
            arrives_ns = at_ns + self._quantile_ns(self._draw())
            if arrives_ns < self._arrives_ns:
                arrives_ns = self._arrives_ns
            self._arrives_ns = arrives_ns
            return (arrives_ns,)
        return tuple(copy.arrives_ns for copy in self.copies(at_ns))

    def copies(self, at_ns: int) -> tuple[Copy, ...]:
        """The same as `carry`, with what faults do at the sender."""
        draw = self._draw
        losses = (f for f in self._losses if f.at_ns <= at_ns < f.until_ns)
        if any(draw() < loss.probability for loss in losses):
            return ()
        duplications = (f for f in self._duplications if f.at_ns <= at_ns < f.until_ns)
        if any(draw() < duplication.probability for duplication in duplications):
            return self._copy(at_ns), self._copy(at_ns)
        return (self._copy(at_ns),)

    def again(self, leaves_ns: int) -> Copy:
        """A copy that is sent again at `leaves_ns`; whoever sends it keeps it in order."""
        return self._across(leaves_ns, self._quantile_ns(self._draw_again()))

    def follow(self, copy: Copy) -> None:
        """Let nothing that is carried from now on get ahead of this copy, if order is kept."""
        self._leaves_ns = max(self._leaves_ns, copy.leaves_ns)
        self._arrives_ns = max(self._arrives_ns, copy.arrives_ns)

    @cached_property
    def _draw_again(self) -> Callable[[], float]:
        # Making a generator takes longer than most channels' other work, and few send again.
        return generator(self._seed, self._name, "resend").random

    def _copy(self, at_ns: int) -> Copy:
        latency_ns, leaves_ns = self._quantile_ns(self._draw()), at_ns
        for delay in self._delays:
            if delay.at_ns <= at_ns < delay.until_ns:
                leaves_ns += delay.extra_ns + int(self._draw() * (delay.jitter_ns + 1))
        copy = self._across(leaves_ns, latency_ns)
        if not self._is_fifo:
            return copy
        self.follow(copy)
        return Copy(self._leaves_ns, self._arrives_ns)

    def _across(self, leaves_ns: int, latency_ns: int) -> Copy:
        """Across the network: what a partition would not let arrive leaves again at its end."""
        arrives_ns = leaves_ns + latency_ns
        while cut := next(
            (p for p in self._partitions if p.at_ns <= arrives_ns < p.until_ns), None
        ):
            leaves_ns = cut.until_ns
            arrives_ns = leaves_ns + latency_ns
        return Copy(leaves_ns, arrives_ns)


def note(event: Event, receiver: str, copies: int) -> None:
    """Say in a send, before it is logged, how many copies its message to `receiver` has."""
    if copies == 0:
        event.lost += (receiver,)
    elif copies == 2:
        event.duplicated += (receiver,)


def last_departure_ns(spec: Spec) -> int:
    """No message leaves a sender that adds the latency of the spec later than this."""
    delays = (fault for fault in spec.faults if isinstance(fault, Delay))
    held_ns = sum(delay.extra_ns + delay.jitter_ns for delay in delays)
    return spec.duration_ns + held_ns + (spec.latency or AS_IT_IS).quantile_ns(BELOW_1)


class SequenceGap(Exception):
    """A message came before one that was sent earlier on the same channel."""


class SendingEnd:
    """Messages on their way: what was sent, less what the receiver has logged."""

    def __init__(self) -> None:
        self.kept: deque[Message] = deque()
        self.received = 0
        self.logged = 0

    @property
    def sent(self) -> int:
        return self.logged + len(self.kept)

    def send(self, message: Message) -> int:
        """Queue a message; returns its sequence number."""
        self.kept.append(message)
        return self.sent

    def acknowledge(self, received: int, logged: int) -> None:
        """The other end has messages 1..received, of which 1..logged are in its log.

        `received` falls when the receiver is started again, `logged` never: ValueError for
        counts that no receiver can have.
        """
        if not self.logged <= logged <= received <= self.sent:
            raise ValueError(
                f"{received} messages received and {logged} of them logged,"
                f" after {self.sent} were sent and {self.logged} logged"
            )
        while self.logged < logged:
            self.kept.popleft()
            self.logged += 1
        self.received = received

    def after(self, sequence: int) -> Message | None:
        """The message that follows number `sequence`, or None if there is none yet.

        `sequence` is `logged` or more.
        """
        position = sequence - self.logged
        return self.kept[position] if position < len(self.kept) else None

    def undelivered(self) -> list[Message]:
        """What the receiver does not have, by its latest word."""
        return list(self.kept)[self.received - self.logged :]


class ReceivingEnd:
    """How many messages of a channel were taken and how many logged, and the last one's index.

    The end of a machine that comes back begins with what its log holds. Where nothing reorders
    or duplicates (`is_ordered`), each message is of a later event than the last.
    """

    def __init__(self, *, is_ordered: bool = True, logged: int = 0, last_index: int = -1) -> None:
        self.received = logged
        self.logged = logged
        self.last_index = last_index
        self._is_ordered = is_ordered

    def accept(self, sequence: int, index: int) -> bool:
        """True if the message is the next one and now counts as taken, False for a resend.

        SequenceGap if a message is missing before it; ValueError if its event cannot come after
        that of the message before.
        """
        if sequence <= self.received:
            return False
        if sequence > self.received + 1:
            raise SequenceGap(f"message {sequence} came after message {self.received}")
        if self._is_ordered and index <= self.last_index:
            raise ValueError(f"event {index} came after event {self.last_index}")
        self.received, self.last_index = sequence, index
        return True

    def log(self) -> None:
        """The receive of the next message, in the order in which they were taken, is logged."""
        assert self.logged < self.received
        self.logged += 1
