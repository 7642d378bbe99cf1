"""A channel: one directed pair of machines, reliable across reconnects, in order by default.

`Channel` computes when the copies of each message arrive, from latency and faults. The two ends
are protocol cores without IO. The sending end numbers its messages from 1. The receiving end
accepts only the next number: a lower number is a resend, a higher one means that an earlier
message is missing. It acknowledges with two counts: `received`, the messages that have arrived,
after which the sender continues; and `logged`, the messages whose receive event is in the log. A
killed machine loses the messages in its inbox, so the sender keeps each message until it is
logged. A sender that connects, again or to a receiver restarted from its log, gets both counts
first and continues after `received`; several connections may safely carry one channel at once.
"""

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from vm.faults import ChannelFault, Delay, Duplication, Loss, Partition
from vm.latency import AS_IT_IS, Latency
from vm.records import Event, Message
from vm.schedule import SECOND_NS
from vm.spec import Spec, generator

#: The largest value that `Random.random` returns.
BELOW_1 = 1 - 2**-53
#: How long machines wait, after the last departure, until all messages have arrived.
DRAIN_NS = 2 * SECOND_NS


class Copy(NamedTuple):
    """One copy of a message: when it leaves its sender, where faults hold it, and arrives."""

    leaves_ns: int
    arrives_ns: int


class Channel:
    """The arrival times of the messages of one channel of a run.

    The number of draws depends only on the times of the sends, not on the latency or on
    partitions: per message one for each active loss until one strikes, one for each active
    duplication until one strikes, then per copy one for the latency and one for each active
    delay. Without `partitions` those of the spec are ignored: the backend cuts its network.
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
        #: If the channel keeps order, no later copy leaves or arrives before these times.
        self._leaves_ns = self._arrives_ns = 0

    def carry(self, at_ns: int) -> tuple[int, ...]:
        """Return the arrival times of the copies of a message sent at `at_ns`: none, one or two.

        Call it in the order of the sends.
        """
        if self._is_plain:
            arrives_ns = at_ns + self._quantile_ns(self._draw())
            if arrives_ns < self._arrives_ns:
                arrives_ns = self._arrives_ns
            self._arrives_ns = arrives_ns
            return (arrives_ns,)
        return tuple(copy.arrives_ns for copy in self.copies(at_ns))

    def copies(self, at_ns: int) -> tuple[Copy, ...]:
        """Return the same copies as `carry`, each with the time at which it leaves its sender."""
        draw = self._draw
        losses = (f for f in self._losses if f.at_ns <= at_ns < f.until_ns)
        if any(draw() < loss.probability for loss in losses):
            return ()
        duplications = (f for f in self._duplications if f.at_ns <= at_ns < f.until_ns)
        if any(draw() < duplication.probability for duplication in duplications):
            return self._copy(at_ns), self._copy(at_ns)
        return (self._copy(at_ns),)

    def again(self, leaves_ns: int) -> Copy:
        """Return a copy that is resent at `leaves_ns`; the caller keeps resends in order."""
        return self._across(leaves_ns, self._quantile_ns(self._draw_again()))

    def follow(self, copy: Copy) -> None:
        """Let no later copy overtake this one, if the channel keeps order."""
        self._leaves_ns = max(self._leaves_ns, copy.leaves_ns)
        self._arrives_ns = max(self._arrives_ns, copy.arrives_ns)

    @cached_property
    def _draw_again(self) -> Callable[[], float]:
        # Made on demand: it takes longer than all other work of most channels; few resend.
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
        """Add the latency; a copy that a partition blocks leaves again when the partition ends."""
        arrives_ns = leaves_ns + latency_ns
        while cut := next(
            (p for p in self._partitions if p.at_ns <= arrives_ns < p.until_ns), None
        ):
            leaves_ns = cut.until_ns
            arrives_ns = leaves_ns + latency_ns
        return Copy(leaves_ns, arrives_ns)


def note(event: Event, receiver: str, copies: int) -> None:
    """Note in a send, before it is logged, if its message to `receiver` is lost or duplicated."""
    if copies == 0:
        event.lost += (receiver,)
    elif copies == 2:
        event.duplicated += (receiver,)


def last_departure_ns(spec: Spec) -> int:
    """Return the latest departure from a sender that itself adds the latency of the spec."""
    delays = (fault for fault in spec.faults if isinstance(fault, Delay))
    held_ns = sum(delay.extra_ns + delay.jitter_ns for delay in delays)
    return spec.duration_ns + held_ns + (spec.latency or AS_IT_IS).quantile_ns(BELOW_1)


class SequenceGap(Exception):
    """A message that arrived before an earlier one of the same channel."""


class SendingEnd:
    """The messages that were sent and are not yet in the receiver's log."""

    def __init__(self) -> None:
        self.kept: deque[Message] = deque()
        self.received = 0
        self.logged = 0

    @property
    def sent(self) -> int:
        return self.logged + len(self.kept)

    def send(self, message: Message) -> int:
        """Queue a message; return its sequence number."""
        self.kept.append(message)
        return self.sent

    def acknowledge(self, received: int, logged: int) -> None:
        """Apply the receiver's counts: messages 1..received have arrived, 1..logged are logged.

        `received` decreases when the receiver restarts, `logged` never does. ValueError for
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
        """Return the message after number `sequence`, or None if there is none yet.

        `sequence` is at least `logged`.
        """
        position = sequence - self.logged
        return self.kept[position] if position < len(self.kept) else None

    def undelivered(self) -> list[Message]:
        """Return the messages that had not arrived by the latest acknowledgement."""
        return list(self.kept)[self.received - self.logged :]


class ReceivingEnd:
    """Counts of a channel's arrived and logged messages, and the send index of the last arrival.

    After a restart the end begins with the counts in the log. If messages are neither reordered
    nor duplicated (`is_ordered`), each has a later send event than the one before.
    """

    def __init__(self, *, is_ordered: bool = True, logged: int = 0, last_index: int = -1) -> None:
        self.received = logged
        self.logged = logged
        self.last_index = last_index
        self._is_ordered = is_ordered

    def accept(self, sequence: int, index: int) -> bool:
        """Return True for the next message, which then counts as arrived; False for a resend.

        SequenceGap if an earlier message is missing; ValueError if its send event cannot follow
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
        """Count the receive of the next message, in the order of arrival, as logged."""
        assert self.logged < self.received
        self.logged += 1
