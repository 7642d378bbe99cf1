"""A run on computers with different wall clocks, from the start to its report."""

import asyncio
import json
import re
from io import StringIO
from pathlib import Path

from rich.console import Console

from analysis.__main__ import store
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.report import run as report
from analysis.text.summary import print_run
from analysis.text.verdict import print_verdict
from loopback import live_together, settings_of
from vm.log import plain_offsets
from vm.spec import Spec

AHEAD = re.compile(r"the wall clock of vm3 is (3\.0\d+) s ahead of vm1's \(± (\d+\.\d) ms\)")


def test_a_clock_that_is_three_seconds_ahead_changes_nothing_and_is_reported(
    tmp_path: Path,
) -> None:
    spec = Spec(machines=("vm1", "vm2", "vm3"), duration_s=1, ticks=(40, 80), seed=5)
    logs = tmp_path / "logs"
    asyncio.run(live_together(settings_of(spec, logs), {"vm3": 3 * 10**9}))
    start = load(logs).starts["vm3"]
    directory = store(load(logs), logs, tmp_path / "runs")
    recorded = json.loads((directory / "run.json").read_text())
    assert recorded["epoch_unix_ns"] == start.run_epoch_unix_ns
    assert recorded["wall_offsets"] == plain_offsets(start.wall_offsets)
    # The same run from the log of another machine is not kept twice.
    (logs / "vm1.jsonl").unlink()
    assert store(load(logs), logs, tmp_path / "runs") == directory

    evaluation = evaluate(load(directory))
    assert (evaluation.verdict.state, evaluation.verdict.offsets) == ("holds", ())
    assert evaluation.verdict.account
    assert evaluation.verdict.account.received
    print_run(evaluation, Console(file=(out := StringIO()), width=200))
    print_verdict(
        evaluation.run, evaluation.verdict, Console(file=(brief := StringIO()), width=200)
    )
    for text in (out.getvalue(), brief.getvalue(), report.write(evaluation, directory).read_text()):
        said = AHEAD.search(text.replace("&#39;", "'"))
        assert said
        ahead_s, bound_ms = map(float, said.groups())
        assert abs(ahead_s - 3) * 1000 <= bound_ms + 0.1 < 20
