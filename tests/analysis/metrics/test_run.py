"""Tables of six rows with every figure worked out by hand, and what holds of all histories."""

from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.across import per_runs, statistics
from analysis.metrics.machine import MACHINE_METRICS, per_machine
from analysis.metrics.run import METRICS, RUN_METRICS, metrics_of, per_run, skews
from by_hand import internal, loaded, logs_of, receive, run_of, send, stop, write_run
from histories import World, worlds, write_log
from vm.records import Start
from vm.spec import Spec


@pytest.fixture
def silent_run(tmp_path: Path) -> Run:
    """Two machines with three events each, and one that had none and has a message unread.

    The clock of vm1 reads 1, 2, 3 and that of vm2 1, 4, 5: jumps of 1 and 1, and of 3 and 1.
    """
    logs = {
        "vm1": [internal(10, 1), send(20, 2, "vm2", "vm3"), send(30, 3, "vm2")],
        "vm2": [internal(15, 1), receive(40, 4, "vm1", 2, queue=1), receive(50, 5, "vm1", 1)],
        "vm3": [],
    }
    stops = {"vm2": stop(3, ticks_missed=2), "vm3": stop(0, inbox=[("vm1", 1)], ticks_missed=4)}
    rates_hz = {"vm1": 3, "vm2": 6, "vm3": 1}
    return run_of(tmp_path / "silent", logs, stops, tick_rates_hz=rates_hz)


#: What every metric says of vm1, vm2 and vm3 of the run above.
BY_HAND: dict[str, list[Any]] = {
    "tick_rate_hz": [3, 6, 1],
    "ticks_done": [3, 3, 0],
    "ticks_missed": [0, 2, 4],
    "events": [3, 3, 0],
    "internal": [1, 1, 0],
    "send": [2, 0, 0],
    "receive": [0, 2, 0],
    "final_clock": [3, 5, None],
    "jump_mean": [1.0, 2.0, None],
    "jump_min": [1, 1, None],
    "jump_max": [1, 3, None],
    "jump_sd": [0.0, sqrt(2), None],
    "jump_over_1_share": [0.0, 0.5, None],
    "queue_mean_on_receive": [None, 0.5, None],
    "queue_mean_on_tick": [0.0, 1 / 3, None],
    "queue_peak": [0, 1, None],
    "queue_left": [0, 0, 1],
    "messages_out": [3, 0, 0],
    "messages_in": [0, 2, 1],
    "observed_s": [60.0, 60.0, 60.0],
    "jump_over_1_mean": [None, 3.0, None],
    "jump_over_1_event_share": [0.0, 1 / 3, None],
    "clock_rate_per_s": [2 / 20e-9, 4 / 35e-9, None],
    "clock_rate_to_fastest_share": [(2 / 20) / (4 / 35), 1.0, None],
    "lag_behind_front_mean": [None, None, None],
    # The two messages were on their way for 10 ns and 30 ns and received as they arrived.
    "network_delay_mean_ms": [None, 20e-6, None],
    "network_delay_p95_ms": [None, 29e-6, None],
    "time_in_queue_mean_ms": [None, 0.0, None],
    "time_in_queue_p95_ms": [None, 0.0, None],
    "message_age_mean_ms": [None, 20e-6, None],
    "message_age_p95_ms": [None, 29e-6, None],
    "utilisation": [0.0, 2 / 3, None],
    "sends_per_s": [2 / 60, 0.0, 0.0],
    "receives_per_s": [0.0, 2 / 60, 0.0],
    "queue_growth_per_s": [0.0, 0.0, 1 / 60],
    # An idle tick brings each peer 1/5 of a message. Of 3, 6 and 1 ticks a second 1.875, 5.625
    # and 0 are idle: 5.625 / 5, 1.875 / 5 and 7.5 / 5 messages arrive a second.
    "predicted_utilisation": [1.125 / 3, 0.375 / 6, 1.0],
    "predicted_sends_per_s": [0.3 * 1.875, 0.3 * 5.625, 0.0],
    "predicted_receives_per_s": [1.125, 0.375, 1.0],
    "predicted_queue_growth_per_s": [0.0, 0.0, 0.5],
}


@pytest.mark.parametrize("metric", MACHINE_METRICS)
def test_a_machine_metric_by_hand(silent_run: Run, metric: str) -> None:
    figures = per_machine(silent_run)
    assert figures["machine"].to_list() == ["vm1", "vm2", "vm3"]
    assert figures[metric].to_list() == pytest.approx(BY_HAND[metric])
    counts = not any(isinstance(figure, float) for figure in BY_HAND[metric])
    assert figures[metric].dtype.is_integer() == counts or figures[metric].null_count() == 3


def test_clocks_are_no_spread_while_one_machine_has_none(silent_run: Run) -> None:
    # All three events of vm1 are before both receives of vm2; none is before or after its first.
    known = {"concurrency_share": 3 / 15, "longest_causal_chain": 5}
    assert per_run(silent_run) == dict.fromkeys(RUN_METRICS) | known


@pytest.fixture
def aligned_run(tmp_path: Path) -> Run:
    """Clocks at common instants: 3 and 1 from 20 to 30, 3 and 9 until 60, then 4 and 9.

    At 20 three events happen at once: the later one of vm1 counts. At 60 vm1 has its last.
    """
    logs = {
        "vm1": [internal(20, 2), internal(20, 3), internal(60, 4)],
        "vm2": [internal(20, 1), internal(30, 9), internal(70, 10)],
    }
    return run_of(tmp_path / "aligned", logs)


RUN_BY_HAND = {
    "final_spread": 10 - 4,
    "skew_mean": (2 * 10 + 6 * 30) / 40,
    "skew_max": 6,
    "skew_end": 9 - 4,
    # No message: of 15 pairs only the three and three of one machine are ordered.
    "concurrency_share": 9 / 15,
    "longest_causal_chain": 3,
}


@pytest.mark.parametrize("metric", RUN_METRICS)
def test_a_run_metric_by_hand(aligned_run: Run, metric: str) -> None:
    assert per_run(aligned_run)[metric] == pytest.approx(RUN_BY_HAND[metric])


def test_causality_is_undefined_where_the_logs_do_not_tell_all_of_it(tmp_path: Path) -> None:
    logs = {
        "vm1": [send(10, 1, "vm2"), internal(20, 2)],
        "vm2": [receive(15, 2, "vm1", 0), internal(30, 3)],
    }
    causal = ("concurrency_share", "longest_causal_chain")
    assert [per_run(run_of(tmp_path / "whole", logs))[name] for name in causal] == [2 / 6, 3]
    unsent = {**logs, "vm2": [receive(15, 2, "vm1", 7), internal(30, 3)]}
    missing = write_run(tmp_path / "missing", logs)
    (missing / "vm1.jsonl").unlink()
    for run in (run_of(tmp_path / "unsent", unsent), load(missing)):
        assert [per_run(run)[name] for name in causal] == [None, None]


def test_spreads_at_every_instant_of_an_event(aligned_run: Run) -> None:
    assert skews(aligned_run).rows() == [(20, 2), (30, 6), (60, 5)]


def test_of_one_event_most_is_undefined(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"vm1": [internal(10, 1)]})
    (figures,) = per_machine(run).to_dicts()
    undefined = {"jump_mean", "jump_min", "jump_max", "jump_sd", "jump_over_1_share"}
    assert {name for name in undefined if figures[name] is not None} == set()
    assert figures["queue_mean_on_receive"] is None
    assert (figures["final_clock"], figures["queue_mean_on_tick"]) == (1, 0.0)
    # An instant has no duration, so nothing can be said of its mean.
    assert per_run(run).items() >= {
        ("final_spread", 0),
        ("skew_mean", None),
        ("skew_max", 0),
        ("skew_end", 0),
    }


def test_of_two_events_the_one_jump_has_no_deviation(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"vm1": [internal(10, 1), internal(20, 2)]})
    (figures,) = per_machine(run).to_dicts()
    assert (figures["jump_mean"], figures["jump_sd"]) == (1.0, None)
    assert per_run(run)["skew_mean"] == 0.0


def test_of_no_events_counts_are_0_and_everything_else_is_undefined(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"vm1": [], "vm2": []})
    for figures in per_machine(run).to_dicts():
        known = {name: value for name, value in figures.items() if value is not None}
        assert set(known) >= {"events", "internal", "send", "receive", "ticks_missed"}
        assert set(known) & {"final_clock", "jump_mean", "jump_over_1_share", "queue_peak"} == set()
        assert known["events"] == known["messages_out"] == known["messages_in"] == 0
    assert per_run(run) == dict.fromkeys(RUN_METRICS)


def test_a_vector_as_main_clock_counts_the_events_known_of(tmp_path: Path) -> None:
    logs = {
        "vm1": [internal(10, (1, 0)), send(20, (2, 0), "vm2"), internal(30, (3, 0))],
        "vm2": [internal(15, (0, 1)), receive(25, (2, 2), "vm1", 1), internal(40, (2, 3))],
    }
    run = run_of(tmp_path, logs, clocks=["vector"])
    figures = per_machine(run)
    assert figures["final_clock"].to_list() == [3, 5]
    assert figures["jump_max"].to_list() == [1, 3]
    assert figures["jump_mean"].to_list() == [1.0, 2.0]
    assert per_run(run)["final_spread"] == 2
    # 15: 1 and 1; 20: 2 and 1; 25: 2 and 4; 30: 3 and 4, where vm1 ends.
    assert skews(run).rows() == [(15, 0), (20, 1), (25, 2), (30, 1)]
    assert per_run(run)["skew_mean"] == pytest.approx((0 * 5 + 1 * 5 + 2 * 5) / 15)


def test_machines_that_never_lived_at_once_have_no_skew(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"vm1": [internal(10, 1), internal(20, 2)], "vm2": [internal(30, 9)]})
    spreads = per_run(run)
    assert spreads["final_spread"] == 7
    assert [value for name, value in spreads.items() if name.startswith("skew")] == [None] * 3


def test_of_a_killed_machine_the_gaps_in_its_ticks_were_missed(tmp_path: Path) -> None:
    spec = Spec(machines=("vm1", "vm2"))
    events = [internal(at, at, index=at) for at in range(3)]
    for event, tick in zip(events, (0, 2, 6), strict=True):
        event.tick = tick
    write_log(tmp_path / "vm1.jsonl", [Start("vm1", "by hand", 0, spec.resolved()), *events])
    write_log(tmp_path / "vm2.jsonl", [Start("vm2", "by hand", 0, spec.resolved())])
    killed, killed_at_once = per_machine(load(tmp_path)).to_dicts()
    assert (killed["ticks_done"], killed["ticks_missed"]) == (3, 4)
    assert (killed["queue_left"], killed["messages_in"]) == (None, None)
    assert (killed_at_once["ticks_done"], killed_at_once["ticks_missed"]) == (0, None)


def test_of_a_machine_without_a_log_nothing_is_known(tmp_path: Path) -> None:
    directory = write_run(tmp_path, {"vm1": [internal(10, 1), internal(20, 2)], "vm2": []})
    (directory / "vm2.jsonl").unlink()
    run = load(directory)
    present, missing = per_machine(run).drop("machine").to_dicts()
    assert present["events"] == 2
    assert missing == dict.fromkeys(MACHINE_METRICS)
    assert per_run(run) == dict.fromkeys(RUN_METRICS)


def test_a_day_of_far_apart_clocks_is_not_too_much(tmp_path: Path) -> None:
    """Spread times nanoseconds is beyond 64 bits here."""
    day_ns = 86_400 * 10**9
    logs = {
        "vm1": [internal(0, 1), internal(day_ns, 2)],
        "vm2": [internal(0, 500_001), internal(day_ns, 500_002)],
    }
    assert per_run(run_of(tmp_path, logs))["skew_mean"] == 500_000.0


def test_over_runs_there_are_a_mean_and_a_deviation(
    tmp_path: Path, silent_run: Run, aligned_run: Run
) -> None:
    runs = per_runs([metrics_of(silent_run), metrics_of(aligned_run)])
    assert runs["run"].to_list() == ["silent", "aligned"]
    # Of vm1 and vm2 in the first run; vm3 has no jumps. In the second 1, 1 and 8, 1.
    assert runs["jump_mean"].to_list() == [(1 + 2) / 2, (1 + 4.5) / 2]
    assert runs["events"].to_list() == [2.0, 3.0]
    assert runs["final_spread"].to_list() == [None, 6.0]
    mean, sd, _ = statistics(runs).to_dicts()
    assert (mean["name"], sd["name"]) == ("mean", "sd")
    assert mean["jump_mean"] == pytest.approx((1.5 + 2.75) / 2)
    assert sd["jump_mean"] == pytest.approx(1.25 / sqrt(2))
    assert (mean["events"], sd["events"]) == (2.5, pytest.approx(sqrt(0.5)))
    # Where one run alone has a figure there is a mean of it, and no deviation.
    assert (mean["final_spread"], sd["final_spread"]) == (6.0, None)


def test_over_one_run_there_is_no_deviation(silent_run: Run) -> None:
    mean, sd, _ = statistics(per_runs([metrics_of(silent_run)])).to_dicts()
    assert mean["jump_mean"] == 1.5
    assert sd == {"name": "sd"} | dict.fromkeys(METRICS)


@settings(max_examples=40)
@given(world=worlds(kills=True))
def test_the_metrics_of_any_history_fit_together(world: World) -> None:
    run = loaded(logs_of(world))
    for figures in per_machine(run).to_dicts():
        machine = figures["machine"]
        events = world.events[machine]
        kinds = figures["internal"] + figures["send"] + figures["receive"]
        assert kinds == figures["events"] == figures["ticks_done"] == len(events)
        assert figures["messages_out"] == sum(len(event.to) for event in events)
        if figures["jump_mean"] is not None:
            first = run.events.filter(machine=machine)["main"][0]
            grown = figures["final_clock"] - first
            assert figures["jump_mean"] * (len(events) - 1) == pytest.approx(grown)
            assert 1 <= figures["jump_min"] <= figures["jump_mean"] <= figures["jump_max"]
        assert (figures["queue_left"] is None) == (machine in world.killed)
    spreads = per_run(run)
    mean, peak = spreads["skew_mean"], spreads["skew_max"]
    assert mean is None or (peak is not None and 0 <= mean <= peak)
