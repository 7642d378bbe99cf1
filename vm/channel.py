"""A channel: one directed pair of machines, first in, first out, reliable across reconnects.

The two ends as protocol cores, without IO. The sending end numbers its messages from 1. The
receiving end takes exactly the next number: a lower one is a resend of something already
taken, a higher one means that something before it is missing. It says how far it has got with
two counts: `received`, what has arrived, from where the sender goes on sending; and `logged`,
what has been received by a tick that is in the log. A message that has only arrived dies with
a machine that is killed, so the sender keeps each until it is logged. Whoever connects, again
or to a receiver that has come back with what its log holds, asks for both counts first, and
sends from `received` on; several connections may carry the same channel at once without harm.
"""

from collections import deque

from vm.records import Message


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

    The end of a machine that comes back begins with what its log holds.
    """

    def __init__(self, logged: int = 0, last_index: int = -1) -> None:
        self.received = logged
        self.logged = logged
        self.last_index = last_index

    def accept(self, sequence: int, index: int) -> bool:
        """True if the message is the next one and now counts as taken, False for a resend.

        SequenceGap if a message is missing before it; ValueError if its event index is not
        later than that of the message before.
        """
        if sequence <= self.received:
            return False
        if sequence > self.received + 1:
            raise SequenceGap(f"message {sequence} came after message {self.received}")
        if index <= self.last_index:
            raise ValueError(f"event {index} came after event {self.last_index}")
        self.received, self.last_index = sequence, index
        return True

    def log(self) -> None:
        """The receive of the next message, in the order in which they were taken, is logged."""
        assert self.logged < self.received
        self.logged += 1
