"""The two ends of a channel against every way in which connections can come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.channel import ReceivingEnd, SendingEnd, SequenceGap
from vm.records import Message


def message(index: int) -> Message:
    return Message("vm1", "vm2", index, {"lamport": index + 1})


ACTS = ("send", "connect", "carry", "carry", "carry", "log", "hear", "cut", "restart")


class Receiver:
    """A receiving end with an inbox that dies with it, and a log that does not."""

    def __init__(self) -> None:
        self.log: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.end = ReceivingEnd(logged=len(self.log), last_index=max(self.log, default=-1))
        self.inbox: list[int] = []

    def receive(self) -> None:
        self.log.append(self.inbox.pop(0))
        self.end.log()


class Connections:
    """Any number of connections at once that carry one channel; the newest one is listened to."""

    def __init__(self, sending: SendingEnd, receiver: Receiver) -> None:
        self._sending = sending
        self._receiver = receiver
        #: Per live connection the number of the last message that it carried.
        self._carried: dict[int, int] = {}
        self._newest = -1
        #: What the newest connection has said and nobody has heard yet.
        self._said: list[tuple[int, int]] = []

    def connect(self, connection: int) -> None:
        self._carried[connection] = self._receiver.end.received
        self._newest, self._said = connection, []
        self._sending.acknowledge(self._receiver.end.received, self._receiver.end.logged)

    def carry(self, connection: int) -> bool:
        if connection not in self._carried:
            return False
        # What another connection has carried may be logged meanwhile, and kept no more.
        position = max(self._carried[connection], self._sending.logged)
        if (following := self._sending.after(position)) is None:
            return False
        end = self._receiver.end
        if end.accept(position + 1, following.index):
            self._receiver.inbox.append(following.index)
        self._carried[connection] = position + 1
        if connection == self._newest:
            self._said.append((end.received, end.logged))
        return True

    def hear(self) -> None:
        if self._said:
            self._sending.acknowledge(*self._said.pop(0))

    def cut(self, connection: int) -> None:
        self._carried.pop(connection, None)
        if connection == self._newest:
            self._said = []

    def cut_all(self) -> None:
        self._carried.clear()
        self._said = []


@given(journey=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 1)), min_size=60))
def test_everything_is_received_once_and_in_order_whatever_is_cut_and_killed(
    journey: list[tuple[str, int]],
) -> None:
    sending, receiver = SendingEnd(), Receiver()
    connections = Connections(sending, receiver)
    for act, connection in journey:
        match act:
            case "send":
                number = sending.sent + 1
                assert sending.send(message(number)) == number
            case "connect":
                connections.connect(connection)
            case "carry":
                connections.carry(connection)
            case "log" if receiver.inbox:
                receiver.receive()
            case "hear":
                connections.hear()
            case "cut":
                connections.cut(connection)
            case "restart":
                receiver.restart()
                connections.cut_all()
        assert sending.logged <= len(receiver.log)
    connections.connect(0)
    while connections.carry(0):
        connections.hear()
    assert not sending.undelivered()
    while receiver.inbox:
        receiver.receive()
    connections.connect(0)
    assert receiver.log == list(range(1, sending.sent + 1))
    assert not sending.kept


def test_a_resend_is_not_taken_again() -> None:
    receiving = ReceivingEnd()
    assert receiving.accept(1, 0)
    assert not receiving.accept(1, 0)
    assert receiving.received == 1


def test_a_gap_is_refused_and_changes_nothing() -> None:
    receiving = ReceivingEnd()
    receiving.accept(1, 0)
    with pytest.raises(SequenceGap, match="message 3 came after message 1"):
        receiving.accept(3, 5)
    assert receiving.accept(2, 4)


def test_where_messages_are_reordered_and_duplicated_any_event_may_follow() -> None:
    receiving = ReceivingEnd(is_ordered=False)
    assert [receiving.accept(n, index) for n, index in enumerate((4, 3, 3, 7), 1)] == [True] * 4


@pytest.mark.parametrize("index", [3, 4])
def test_events_of_a_channel_come_in_their_order(index: int) -> None:
    receiving = ReceivingEnd()
    receiving.accept(1, 4)
    with pytest.raises(ValueError, match=f"event {index} came after event 4"):
        receiving.accept(2, index)
    assert receiving.received == 1


def sending_end(messages: int) -> SendingEnd:
    sending = SendingEnd()
    for index in range(messages):
        sending.send(message(index))
    return sending


@pytest.mark.parametrize(
    ("received", "logged"),
    [(4, 2), (3, 4), (2, 1), (1, 1)],
    ids=["beyond", "above", "below", "lost"],
)
def test_counts_that_no_receiver_can_have_are_refused(received: int, logged: int) -> None:
    sending = sending_end(3)
    sending.acknowledge(2, 2)
    with pytest.raises(ValueError, match=f"{received} messages received and {logged} of them"):
        sending.acknowledge(received, logged)
    assert (sending.received, sending.logged) == (2, 2)


def test_what_is_logged_is_forgotten_and_the_rest_kept() -> None:
    sending = sending_end(4)
    sending.acknowledge(3, 1)
    assert [kept.index for kept in sending.kept] == [1, 2, 3]
    assert sending.after(1) == message(1)
    assert sending.after(4) is None
    assert sending.undelivered() == [message(3)]


def test_a_receiver_that_was_killed_has_what_it_had_logged() -> None:
    sending = sending_end(4)
    sending.acknowledge(3, 1)
    sending.acknowledge(2, 2)
    assert sending.after(sending.received) == message(2)
    assert sending.undelivered() == [message(2), message(3)]
    assert sending.sent == 4
