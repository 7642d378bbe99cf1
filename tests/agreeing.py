"""One spec on several backends: what must be the same everywhere."""

from collections.abc import Iterable
from pathlib import Path

from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.history.replay import replay
from analysis.logs.finding import load
from loopback import check_whole, read_log, read_logs
from orchestrator.virtual.simulation import simulate
from vm.records import Event, Record
from vm.spec import Spec


def check_agrees(spec: Spec, folder: Path) -> None:
    """Check a run without faults: the draws of the simulation, and a complete, equal replay.

    Each message is accounted for, and no check is violated or left out.
    """
    records = {name: read_log(folder / f"{name}.jsonl") for name in spec.machines}
    for name, expected in simulate(spec, "simulated").items():
        mine, theirs = _draws(records[name]), _draws(expected)
        common = min(len(mine), len(theirs))
        assert common > 0
        assert mine[:common] == theirs[:common]
    difference = replay(records)
    assert difference is None, difference.explain()
    check_whole(spec, read_logs(folder, spec.machines))
    run = load(folder)
    assert run.tick_rates_hz == {name: spec.tick_rate_hz(name) for name in spec.machines}
    found = evaluate(run).verdict
    assert (found.violations, found.unchecked) == ((), ())
    places = account(Evidence(run))
    assert places.sent == places.received + places.inbox + places.undelivered > 0


def _draws(records: Iterable[Record]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the decisions of idle ticks; the others depend on the times of messages."""
    events = (record for record in records if isinstance(record, Event))
    return [(event.kind, tuple(event.to)) for event in events if event.kind != "receive"]
