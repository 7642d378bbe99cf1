"""The parts of files by which logs are recognised."""

from pathlib import Path

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.logs.recognition.format import MAX_LINES, MIN_LINES, _samples
from orchestrator.virtual.simulation import simulate
from vm.records import Event
from vm.spec import Spec

RATES_HZ = {"m1": 6, "m2": 3, "m3": 1}


def what(event: Event) -> str:
    if event.kind == "receive":
        return f"RECEIVE from {event.sender} | queue length {event.queue}"
    if event.kind == "send":
        return f"SEND to {'all' if len(event.to) > 1 else event.to[0]}"
    return "INTERNAL"


def write(folder: Path, seconds: int) -> None:
    machines = {"machines": [*RATES_HZ], "tick_rates_hz": RATES_HZ}
    spec = Spec.parse(machines | {"duration_s": seconds, "seed": 1})
    for name, records in simulate(spec, "long").items():
        events = (one for one in records if isinstance(one, Event))
        lines = [
            f"{one.at_ns / 1e9:.6f} {what(one)} | clock {one.clock['lamport']}" for one in events
        ]
        (folder / f"{name}.log").write_text("".join(f"{line}\n" for line in lines))


def test_long_logs_are_recognised_by_the_events_of_the_same_time(tmp_path: Path) -> None:
    write(tmp_path, seconds=600)
    samples = _samples(sorted(tmp_path.iterdir()))
    lengths = [len(samples[f"{name}.log"]) for name in RATES_HZ]
    assert lengths[0] == MAX_LINES
    assert abs(lengths[1] - MAX_LINES / 2) < MAX_LINES / 20
    run = load(tmp_path)
    assert run.events.height == sum(600 * rate for rate in RATES_HZ.values())
    assert not evaluate(run).verdict.violations


def test_a_much_longer_file_beside_logs_leaves_them_some_lines(tmp_path: Path) -> None:
    write(tmp_path, seconds=100)
    (tmp_path / "other.log").write_text("nothing of interest\n" * 500_000)
    samples = _samples(sorted(tmp_path.iterdir()))
    assert [len(samples[f"{name}.log"]) for name in ("m1", "m2")] == [MIN_LINES, MIN_LINES]


def test_an_empty_file_beside_logs_leaves_them_whole(tmp_path: Path) -> None:
    write(tmp_path, seconds=60)
    (tmp_path / "empty.log").touch()
    assert len(_samples(sorted(tmp_path.iterdir()))["m1.log"]) > 6 * 60
