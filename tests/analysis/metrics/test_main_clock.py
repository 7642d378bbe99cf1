"""Metrics of runs whose main clock is not a plain counter."""

from pathlib import Path

import pytest

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.text.notes import notes
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.clocks import CLOCKS, clock_of, full_name
from vm.spec import Spec

NAMES = list(map(full_name, CLOCKS))
OF_CLOCKS = ("final_clock", "jump_mean", "jump_over_1_event_share", "clock_rate_per_s")


@pytest.mark.parametrize("name", NAMES)
def test_every_clock_can_be_the_main_one(name: str, tmp_path: Path) -> None:
    spec = Spec.parse({"clocks": [name], "seed": 3, "duration_s": 10, "ticks": [3, 6]})
    write(simulate(spec, "run"), tmp_path)
    run = load(tmp_path)
    found = evaluate(run)
    assert found.verdict.state == "holds"
    has_numbers = clock_of(name).column != "text"
    for metric in OF_CLOCKS:
        assert found.machines[metric].is_not_null().all() == has_numbers
        assert found.machines[metric].is_null().all() == (not has_numbers)
    assert (found.metrics["skew_mean"] is None) == (not has_numbers)
    assert any(name in note for note in notes(run)) == (not has_numbers)
