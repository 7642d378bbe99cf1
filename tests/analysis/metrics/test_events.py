"""Figures of six events by hand: how long messages took, how clocks jumped, how busy machines were.

The figures that only count are in test_metrics.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.events import EVENT_METRICS
from analysis.metrics.machine import per_machine
from analysis.metrics.run import METRICS
from histories import World, write_log
from vm.records import Event, Record, Start, Stop, Unread
from vm.spec import Spec

MS = 10**6
DURATION_S = 0.1


def internal(index: int, at_ms: int, clock: int) -> Event:
    return Event("internal", index, index, at_ms * MS, at_ms * MS, 0, {"lamport": clock})


def send(index: int, at_ms: int, clock: int, to: str) -> Event:
    return replace(internal(index, at_ms, clock), kind="send", to=(to,))


def receive(index: int, at_ms: int, clock: int, cause: tuple[str, int], arrived_ms: int) -> Event:
    event = replace(internal(index, at_ms, clock), kind="receive", arrived_ns=arrived_ms * MS)
    return replace(event, sender=cause[0], cause=cause[1])


def start(machine: str) -> Start:
    spec = Spec(
        machines=("vm1", "vm2"), duration_s=DURATION_S, tick_rates_hz={"vm1": 60, "vm2": 20}
    )
    record = World(spec).log(machine)[0]
    assert isinstance(record, Start)
    return record


LOGS: dict[str, list[Record]] = {
    "vm1": [
        start("vm1"),
        internal(0, 10, 1),
        send(1, 20, 2, "vm2"),
        send(2, 40, 3, "vm2"),
        Stop("finished", 3, 0, 0, (), ()),
    ],
    "vm2": [
        start("vm2"),
        internal(0, 15, 1),
        receive(1, 60, 3, ("vm1", 1), arrived_ms=25),
        receive(2, 80, 7, ("vm1", 2), arrived_ms=50),
        Stop("finished", 3, 0, 0, (Unread("vm1", 3, 90 * MS),), ()),
    ],
}


def run_of(directory: Path, logs: dict[str, list[Record]]) -> Run:
    for machine, records in logs.items():
        write_log(directory / f"{machine}.jsonl", records)
    return load(directory)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(tmp_path, LOGS)


#: What the metrics say of vm1 and vm2. The clock of vm2 jumps by 2 and by 4.
BY_HAND: dict[str, list[float | None]] = {
    "observed_s": [0.1, 0.1],
    "jump_over_1_mean": [None, 3],
    "jump_over_1_share": [0, 1],
    "jump_over_1_event_share": [0, 2 / 3],
    "clock_rate_per_s": [(3 - 1) / 0.03, (7 - 1) / 0.065],
    "clock_rate_to_fastest_share": [(2 / 0.03) / (6 / 0.065), 1],
    # From 15 to 20 both read 1, from 20 to 40 they read 2 and 1.
    "lag_behind_front_mean": [0, (0 * 5 + 1 * 20) / 25],
    # Of two numbers the 95 % quantile is at 19/20 of the way between them.
    "network_delay_mean_ms": [None, (5 + 10) / 2],
    "network_delay_p95_ms": [None, 5 + 5 * 0.95],
    "time_in_queue_mean_ms": [None, (35 + 30) / 2],
    "time_in_queue_p95_ms": [None, 30 + 5 * 0.95],
    "message_age_mean_ms": [None, 40],
    "message_age_p95_ms": [None, 40],
    "utilisation": [0, 2 / 3],
    "sends_per_s": [20, 0],
    "receives_per_s": [0, 20],
    "queue_growth_per_s": [0, 10],
}


@pytest.mark.parametrize("metric", BY_HAND)
def test_a_metric_by_hand(run: Run, metric: str) -> None:
    assert per_machine(run)[metric].to_list() == pytest.approx(BY_HAND[metric])


def test_every_metric_says_in_one_line_what_it_asks() -> None:
    for metric in METRICS.values():
        assert metric.__doc__ is not None
        assert "?" in metric.__doc__.splitlines()[0]


def test_a_machine_that_was_killed_was_seen_until_its_last_event(tmp_path: Path) -> None:
    logs = LOGS | {"vm2": LOGS["vm2"][:-1]}
    _, killed = per_machine(run_of(tmp_path, logs)).to_dicts()
    assert killed["observed_s"] == 0.08
    assert killed["receives_per_s"] == 2 / 0.08
    assert killed["queue_growth_per_s"] is None


def test_a_run_cut_short_was_seen_until_its_last_events(tmp_path: Path) -> None:
    stopped = {machine: records[:-1] for machine, records in LOGS.items()}
    for records in stopped.values():
        records.append(Stop("terminated", 3, 0, 0, (), ()))
    assert per_machine(run_of(tmp_path, stopped))["observed_s"].to_list() == [0.04, 0.08]


def test_a_send_that_is_numbered_twice_does_not_double_its_receive(tmp_path: Path) -> None:
    first, *rest = LOGS["vm1"]
    logs = LOGS | {"vm1": [first, send(1, 5, 1, "vm2"), *rest]}
    figures = per_machine(run_of(tmp_path, logs)).to_dicts()[1]
    assert (figures["receive"], figures["events"]) == (2, 3)
    assert figures["network_delay_mean_ms"] == pytest.approx((20 + 10) / 2)


def test_a_receive_of_nothing_known_has_a_time_in_the_queue_only(tmp_path: Path) -> None:
    logs = LOGS | {"vm1": [start("vm1"), internal(0, 10, 1)]}
    figures = per_machine(run_of(tmp_path, logs)).to_dicts()[1]
    assert figures["time_in_queue_mean_ms"] == 32.5
    assert (figures["network_delay_mean_ms"], figures["message_age_p95_ms"]) == (None, None)


def test_no_time_passes_in_a_single_event(tmp_path: Path) -> None:
    logs = {machine: records[:2] for machine, records in LOGS.items()}
    for figures in per_machine(run_of(tmp_path, logs)).to_dicts():
        undefined = {name for name in EVENT_METRICS if figures[name] is None}
        assert undefined >= {"clock_rate_per_s", "jump_over_1_mean", "message_age_mean_ms"}
        assert figures["lag_behind_front_mean"] is None
        assert figures["jump_over_1_event_share"] == 0


def test_no_rate_is_known_of_no_time(tmp_path: Path) -> None:
    logs: dict[str, list[Record]] = {
        machine: [start(machine), internal(0, 0, 1)] for machine in LOGS
    }
    for figures in per_machine(run_of(tmp_path, logs)).to_dicts():
        assert (figures["observed_s"], figures["sends_per_s"]) == (0, None)
