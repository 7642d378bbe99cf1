"""The two ends of a channel against every way in which connections can come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vm.channel import ReceivingEnd, SendingEnd, SequenceGap
from vm.records import Message


def message(index: int) -> Message:
    return Message("vm1", "vm2", index, {"lamport": index + 1})


@st.composite
def journeys(draw: st.DrawFn) -> list[tuple[str, int]]:
    acts = st.sampled_from(["send", "connect", "carry", "carry", "carry", "acknowledge", "cut"])
    return draw(st.lists(st.tuples(acts, st.integers(0, 2)), max_size=120))


@given(journey=journeys())
def test_everything_arrives_once_and_in_order_over_any_connections(
    journey: list[tuple[str, int]],
) -> None:
    sending, receiving, taken = SendingEnd(), ReceivingEnd(), []
    #: Per live connection the number of the last message that it carried.
    connections: dict[int, int] = {}

    def carry(connection: int) -> bool:
        # What another connection has had acknowledged meanwhile is not kept any more.
        position = max(connections[connection], sending.acknowledged)
        following = sending.after(position)
        if following is None:
            return False
        if receiving.accept(position + 1, following.index):
            taken.append(following.index)
        connections[connection] = position + 1
        return True

    sent = 0
    for act, connection in journey:
        match act:
            case "send":
                assert sending.send(message(sent)) == sent + 1
                sent += 1
            case "connect":
                sending.acknowledge(receiving.received)
                connections[connection] = receiving.received
            case "carry" if connection in connections:
                carry(connection)
            case "acknowledge":
                sending.acknowledge(receiving.received)
            case "cut":
                connections.pop(connection, None)
    connections[0] = receiving.received
    sending.acknowledge(receiving.received)
    while carry(0):
        pass
    sending.acknowledge(receiving.received)
    assert taken == list(range(sent))
    assert not sending.unacknowledged


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


def test_what_was_never_sent_cannot_be_acknowledged() -> None:
    sending = SendingEnd()
    sending.send(message(0))
    with pytest.raises(ValueError, match="2 messages acknowledged, but only 1 sent"):
        sending.acknowledge(2)
    assert sending.acknowledged == 0


def test_acknowledgements_are_cumulative() -> None:
    sending = SendingEnd()
    for index in range(3):
        sending.send(message(index))
    sending.acknowledge(2)
    sending.acknowledge(1)
    assert [left.index for left in sending.unacknowledged] == [2]
    assert sending.after(2) == message(2)
    assert sending.after(3) is None
