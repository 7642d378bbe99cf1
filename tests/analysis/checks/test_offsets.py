"""Early messages, measured against what is known of wall clocks."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.checks.offsets import Offset
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.text.notes import notes
from by_hand import internal, measured, receive, send, write_run
from vm.records import NO_OFFSET, WallOffset

BOUNDS = {"vm1": NO_OFFSET, "vm2": WallOffset(10**9, 30), "vm3": WallOffset(0, 12)}


def found_of(directory: Path, early_ns: int) -> tuple[Offset, ...]:
    """The offsets of a run in which a message of vm2 reaches vm3 early."""
    logs = {
        "vm1": [internal(5, 1)],
        "vm2": [send(1000, 1, "vm3")],
        "vm3": [receive(1000 - early_ns, 2, "vm2", 0)],
    }
    return evaluate(load(measured(write_run(directory, logs), BOUNDS))).verdict.offsets


@pytest.mark.parametrize("early_ns", [0, 1, 42])
def test_an_early_message_within_the_bounds_of_both_ends_is_none(
    tmp_path: Path, early_ns: int
) -> None:
    assert found_of(tmp_path, early_ns) == ()


def test_one_beyond_the_bounds_shows_that_the_offset_has_changed(tmp_path: Path) -> None:
    (offset,) = found_of(tmp_path, 43)
    assert (offset.sender, offset.receiver, offset.least_ns) == ("vm2", "vm3", 43)
    assert offset.because == (
        "a message arrived 43 ns before it was sent: the wall clock of vm3 is at least that far"
        " behind that of vm2, beyond their offset at the start (± 42 ns), which has changed since"
    )


@settings(max_examples=40)
@given(
    bounds_ns=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    shares=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    delays_ns=st.tuples(st.integers(0, 50), st.integers(0, 50)),
)
def test_no_delay_is_an_offset_while_the_clocks_are_as_measured(
    bounds_ns: tuple[int, int], shares: tuple[float, float], delays_ns: tuple[int, int]
) -> None:
    """Two machines whose epochs are as far from that of vm1 as the measurement allows."""
    late_ns = [int(share * bound) for share, bound in zip(shares, bounds_ns, strict=True)]
    there_ns, back_ns = 1000 + delays_ns[0], 2000 + delays_ns[1]
    logs = {
        "vm1": [],
        "vm2": [
            send(1000 - late_ns[0], 1, "vm3"),
            receive(back_ns - late_ns[0], 4, "vm3", 1),
        ],
        "vm3": [
            receive(there_ns - late_ns[1], 2, "vm2", 0),
            send(2000 - late_ns[1], 3, "vm2"),
        ],
    }
    offsets = {"vm1": NO_OFFSET, "vm2": WallOffset(7, bounds_ns[0])}
    with TemporaryDirectory() as folder:
        directory = write_run(Path(folder), logs)
        run = load(measured(directory, offsets | {"vm3": WallOffset(-7, bounds_ns[1])}))
        assert evaluate(run).verdict.offsets == ()


def test_offsets_are_noted(tmp_path: Path) -> None:
    names = ["vm1", *(f"vm{n}" for n in range(2, 9))]
    directory = write_run(tmp_path, {name: [internal(5, 1)] for name in names})
    offsets = {name: WallOffset(n * 10**9, 210_000 * bool(n)) for n, name in enumerate(names)}
    said = notes(load(measured(directory, offsets | {"vm3": WallOffset(-(10**7), 10**5)})))
    assert said[:3] == [
        "note: the wall clock of vm2 is 1.0000 s ahead of vm1's (± 0.3 ms); times are corrected",
        "note: the wall clock of vm3 is 0.0100 s behind vm1's (± 0.1 ms); times are corrected",
        "note: the wall clock of vm4 is 3.0000 s ahead of vm1's (± 0.3 ms); times are corrected",
    ]
    assert said[5:] == ["note: times are also corrected for 2 more wall clocks"]
