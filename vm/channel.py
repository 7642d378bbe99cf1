"""A channel: one directed pair of machines, first in, first out, reliable across reconnects.

The two ends as protocol cores, without IO. The sending end numbers its messages from 1 and
keeps each until it is acknowledged; acknowledgements are cumulative. The receiving end takes
exactly the next number: a lower one is a resend of something already taken, a higher one
means that something before it is missing. Whoever reconnects asks the receiving end how many
it has taken, acknowledges those, and sends the rest again; several connections may carry the
same channel at once without harm.
"""

from collections import deque

from vm.records import Message


class SequenceGap(Exception):
    """A message came before one that was sent earlier on the same channel."""


class SendingEnd:
    """Messages on their way: what was sent, less what was acknowledged."""

    def __init__(self) -> None:
        self.unacknowledged: deque[Message] = deque()
        self.acknowledged = 0

    @property
    def sent(self) -> int:
        return self.acknowledged + len(self.unacknowledged)

    def send(self, message: Message) -> int:
        """Queue a message; returns its sequence number."""
        self.unacknowledged.append(message)
        return self.sent

    def acknowledge(self, received: int) -> None:
        """The other end has taken messages 1..received. ValueError if so many were never sent."""
        if received > self.sent:
            raise ValueError(f"{received} messages acknowledged, but only {self.sent} sent")
        while self.acknowledged < received:
            self.unacknowledged.popleft()
            self.acknowledged += 1

    def after(self, sequence: int) -> Message | None:
        """The message that follows number `sequence`, or None if there is none yet.

        `sequence` is `acknowledged` or more.
        """
        position = sequence - self.acknowledged
        return self.unacknowledged[position] if position < len(self.unacknowledged) else None


class ReceivingEnd:
    """How many messages of a channel were taken, and the index of the last of them."""

    def __init__(self) -> None:
        self.received = 0
        self.last_index = -1

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
