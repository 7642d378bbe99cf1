import pytest

from vm.records import Event, Record, Recovery, Start, Stop, Undelivered, Unread, transcript_line
from vm.spec import Spec


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            Start("vm1", "lab", 0, Spec(seed=7).resolved()),
            "vm1 starts: 4 ticks/s, in a run of 3 machines: lab, seed 7",
        ),
        (
            Event("internal", 0, 0, 5, 1_500_000_000, 0, {"lamport": 1}),
            "    1.500 s  tick 0    internal lamport 1",
        ),
        (
            Event("send", 1, 12, 5, 6, 0, {"lamport": 2, "vector": (2, 0)}, ("vm2",)),
            f"    0.000 s  tick 12   send     lamport 2     {'to vm2':<48}  vector 2,0",
        ),
        (
            Event("send", 1, 0, 5, 6, 0, {"lamport": 2}, ("a", "b", "c"), lost=("a", "b")),
            "    0.000 s  tick 0    send     lamport 2     to a, b, c, lost to a, b",
        ),
        (
            Event("send", 1, 0, 5, 6, 0, {"lamport": 2}, ("a", "b"), duplicated=("b",)),
            "    0.000 s  tick 0    send     lamport 2     to a, b, twice to b",
        ),
        (
            Event("receive", 1, 0, 5, 6, 3, {"lamport": 2}, sender="vm2", cause=8, arrived_ns=1),
            "    0.000 s  tick 0    receive  lamport 2     "
            "from vm2 (its event 8), 3 left in the queue",
        ),
        (Recovery(2_250_000_000, 9), "    2.250 s  back after a kill: the log holds 9 events"),
        (
            Stop("finished", 3, 1, 2, (Unread("vm2", 31, 4),), (Undelivered("vm3", 9),)),
            "finished: 3 events, 1 tick missed; messages: 1 left in the inbox, 1 undelivered,"
            " 2 rejected",
        ),
    ],
)
def test_every_record_is_one_line(record: Record, line: str) -> None:
    assert transcript_line(record) == line
