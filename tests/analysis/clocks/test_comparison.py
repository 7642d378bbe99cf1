"""Clocks compared on small histories, by hand."""

from typing import Any

import pytest

from analysis.clocks import comparison, offline
from analysis.clocks.comparison import Compared, compared, full_names, table
from analysis.history.run import Run
from step_runs import run_of, steps_of
from steps import Steps
from vm.clocks import CLOCKS, clock_of
from vm.fields import SpecError

#: The events 0 and 1 of vm1 send to vm2, which receives both; vm3 has one event.
PAIR = steps_of(3, (0, [1], None), (0, [1], None), (1, [], (0, 0)), (1, [], (0, 1)), (2, [], None))


def one(name: str, history: Steps) -> Compared:
    (found,) = compared(run_of(history), [name])
    return found


def test_lamport_orders_concurrent_pairs() -> None:
    found = one("lamport", PAIR)
    assert found.claims
    # The event of vm3, with the timestamp 1, is concurrent with all others: 1, 2, 2, 3. So are the
    # second send and the first receive, both with 2.
    assert (found.claims.ordered.pairs, found.claims.ordered.of) == (3, 5)
    assert (found.claims.lost.pairs, found.claims.lost.of) == (0, 5)
    assert (found.clock_condition, found.strong_clock_condition) == ("kept", "broken")


def test_vector_orders_causal_pairs_only() -> None:
    found = one("vector", PAIR)
    assert found.claims
    assert (found.claims.lost.pairs, found.claims.ordered.pairs) == (0, 0)
    assert (found.clock_condition, found.strong_clock_condition) == ("kept", "kept")


def test_sizes_are_those_of_stamps_on_the_wire_and_of_timestamps_in_a_log() -> None:
    sizes = one("vector", PAIR).sizes
    assert sizes
    assert (sizes.messages, sizes.stamp_mean_bytes, sizes.stamp_max_bytes) == (2, 3.0, 3)
    assert sizes.log_mean_bytes == len("[1,0,0]")


def test_sizes_grow_with_the_numbers() -> None:
    history = steps_of(2, *[(0, [1], None)] * 200)
    sizes = one("lamport", history).sizes
    assert sizes
    assert sizes.stamp_mean_bytes == (127 * 1 + 73 * 2) / 200
    assert (sizes.stamp_p95_bytes, sizes.stamp_max_bytes) == (2, 2)
    assert sizes.log_mean_bytes == (9 * 1 + 90 * 2 + 101 * 3) / 200


def test_a_log_also_holds_the_stamps_from_which_a_state_follows() -> None:
    sizes = one("differential", PAIR).sizes
    assert sizes
    stamps = [len(clock_of("differential").encode(((0, n),))) for n in (1, 2)]
    assert stamps == [2, 2]
    # Five timestamps; two receives with two bytes each, in quotes.
    assert sizes.log_mean_bytes == (5 * len("[1,0,0]") + 2 * len('"0001"')) / 5


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([(1, [], (0, 1))], "was not received, but a later one was"),
        ([(1, [], (0, 1)), (1, [], (0, 0))], "was overtaken"),
        (
            [(1, [], (0, 0)), (1, [], (0, 0))],
            "was received twice",
        ),
    ],
)
def test_a_clock_that_needs_fifo_gives_the_reason(events: list[Any], problem: str) -> None:
    history = steps_of(2, (0, [1], None), (0, [1], None), *events)
    found = one("differential", history)
    assert f"the message of event 0 of vm1 to vm2 {problem}" in found.problem
    assert found.sizes is None
    assert one("vector", history).problem == ""


def test_messages_on_their_way_at_the_end_are_no_fault() -> None:
    history = steps_of(2, (0, [1], None), (0, [1], None), (1, [], (0, 0)))
    assert one("differential", history).problem == ""


def test_a_clock_stops_at_its_stated_limit() -> None:
    history = steps_of(2, *[(0, [1], None), (1, [0], None)] * 4)
    found = one("encoded:5", history)
    # 2, 3, 4, 9, 8, 27, 16 and 81, which has seven bits.
    assert found.events == 7
    assert found.problem == "event 3 of vm2 needs 7 bits, over the limit of 5"
    assert found.claims
    # No message is received, so all pairs of two machines are concurrent.
    assert (found.claims.ordered.pairs, found.claims.ordered.of) == (0, 4 * 3)
    assert found.sizes
    assert found.sizes.messages == 7


def test_a_history_of_a_causal_cycle_has_no_clocks() -> None:
    history = steps_of(2, (0, [], (1, 1)), (0, [1], None), (1, [], (0, 1)), (1, [0], None))
    assert one("lamport", history).problem == "the messages form a causal cycle"


def test_an_empty_history_has_a_table() -> None:
    row = table(compared(run_of(steps_of(2)), ["lamport", "vector"]))
    assert row["events"].to_list() == [0, 0]
    assert row["stamp_mean_bytes"].to_list() == [None, None]


def test_a_table_has_all_numbers_of_a_row() -> None:
    (row,) = table([one("lamport", PAIR)]).to_dicts()
    del row["rules_mean_ns"]
    assert row == {
        "run": "steps",
        "clock": "lamport",
        "promise": "clock condition",
        "events": 5,
        "messages": 2,
        "stamp_mean_bytes": 1.0,
        "stamp_p95_bytes": 1.0,
        "stamp_max_bytes": 1,
        "log_mean_bytes": 1.0,
        "causal_pairs": 5,
        "lost_pairs": 0,
        "reversed_pairs": 0,
        "concurrent_pairs": 5,
        "ordered_pairs": 3,
        "lost_share": 0.0,
        "ordered_share": 0.6,
        "ordered_share_low": 0.6,
        "ordered_share_high": 0.6,
        "sampled_pairs": 0,
        "clock_condition": "kept",
        "strong_clock_condition": "broken",
        "problem": None,
    }


def run_with(*clocks: str) -> Run:
    return Run(**{**vars(run_of(PAIR)), "clocks": clocks})


def test_names_are_full_and_stand_once() -> None:
    run = run_with("encoded:64", "lamport")
    assert full_names(["own"], run) == ["encoded:64", "lamport"]
    assert full_names(["encoded", "lamport", "encoded:4096"], run) == ["encoded:4096", "lamport"]
    every = full_names(["all"], run)
    assert every[:2] == ["encoded:64", "lamport"]
    assert {name.partition(":")[0] for name in every} == set(CLOCKS)
    assert len(every) == len(CLOCKS) + 1


def test_a_name_that_no_clock_has_is_refused() -> None:
    with pytest.raises(SpecError, match="there is no clock 'lamprt'; did you mean lamport"):
        full_names(["lamprt"], run_with())


def test_a_clock_stops_before_its_timestamps_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offline, "MAX_NUMBERS", 8)
    found = one("vector", PAIR)
    assert (found.events, found.problem) == (2, "only 2 timestamps of 3 numbers are kept")
    assert one("lamport", PAIR).problem == ""


def test_several_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["lamport", "interval-tree", "differential", "vector"]
    history = steps_of(2, (0, [1], None), (0, [1], None), (1, [], (0, 1)), (1, [], (0, 0)))
    alone = table(compared(run_of(history), names)).drop("rules_mean_ns")
    monkeypatch.setattr(comparison, "MANY", 1)
    together = table(compared(run_of(history), names)).drop("rules_mean_ns")
    assert together.equals(alone)
    assert together["clock"].to_list() == names
