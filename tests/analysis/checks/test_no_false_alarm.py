"""What really happened, in whatever world and with whatever faults, raises no alarm."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given

from analysis.checks.account import Account
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from histories import write_log
from loopback import live_together, settings_of
from orchestrator.virtual.simulation import simulate
from specs import specs
from vm.spec import Spec


def fine(directory: Path) -> Account:
    run = load(directory)
    found = evaluate(run).verdict
    # Of machines that crash at once nothing can be checked.
    assert found.state == ("holds" if run.events.height else "inconclusive")
    assert found.offsets == ()
    assert found.account
    assert found.account.unaccounted == 0
    return found.account


@given(spec=specs())
def test_in_a_simulation_with_any_faults(spec: Spec) -> None:
    with TemporaryDirectory() as folder:
        for machine, records in simulate(spec, "simulated").items():
            write_log(Path(folder) / f"{machine}.jsonl", records)
        fine(Path(folder))


def test_among_real_hosts(tmp_path: Path) -> None:
    spec = Spec.parse(
        {
            "machines": 3,
            "duration_s": 1,
            "ticks": [30, 90],
            "workload": "tight",
            "clocks": ["vector", "lamport"],
            "seed": 5,
        }
    )
    asyncio.run(live_together(settings_of(spec, tmp_path)))
    assert fine(tmp_path).received > 20
