"""The chart that compares clocks on the history of a run."""

from pathlib import Path

import pytest
import vl_convert

from analysis.charts import clocks
from analysis.charts.captioned import run_charts
from analysis.charts.clocks import left_out
from analysis.clocks.comparison import compared, full_names
from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.labels import show
from analysis.report import run as report
from example_runs import rows_of, write_example
from vm.clocks import CLOCKS, full_name

# Starting V8 takes two seconds, in each worker that does.
pytestmark = pytest.mark.xdist_group("charts")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return load(write_example("fault_free", tmp_path))


def test_a_point_and_a_row_for_every_kind_of_clock(run: Run) -> None:
    chart = clocks.clocks(run)
    assert chart
    assert chart.table
    names = list(map(full_name, CLOCKS))
    drawn = {row["clock"]: row for row in rows_of(chart.spec).iter_rows(named=True)}
    table = {row[0]: row for row in chart.table[1]}
    assert list(table) == list(drawn) == names
    for one in compared(run, names):
        assert one.sizes
        assert one.claims
        own = one.clock in ("lamport", "vector")
        assert drawn[one.clock]["how"] == table[one.clock][1]
        assert table[one.clock][1] == (clocks.OF_RUN if own else clocks.COMPUTED)
        assert drawn[one.clock]["bytes"] == one.sizes.stamp_mean_bytes
        assert drawn[one.clock]["share"] == one.claims.ordered.share
        assert table[one.clock][2:6] == (
            show(one.sizes.stamp_mean_bytes),
            show(one.sizes.log_mean_bytes),
            one.clock_condition,
            f"{one.claims.ordered.pairs:,}",
        )
        assert table[one.clock][7] == one.strong_clock_condition
    assert drawn["direct"]["lost"] == "loses causal pairs"
    assert {table["lamport"][7], table["vector"][7]} == {"broken", "kept"}
    assert "on the run: lamport, vector;" in chart.source
    assert f"computed on its history: {len(names) - 2} other clocks" in chart.source


def test_a_clock_without_values_is_named_with_the_reason(tmp_path: Path) -> None:
    run = load(write_example("not_fifo", tmp_path))
    chart = clocks.clocks(run)
    assert chart
    assert chart.table
    (problem,) = (one.problem for one in compared(run, ["differential"]))
    assert problem
    assert f"not differential: {problem}" in chart.source
    assert "differential" not in rows_of(chart.spec)["clock"].to_list()
    assert [f"no values: {problem}"] == [
        row[1] for row in chart.table[1] if row[0] == "differential"
    ]


def test_vega_lite_draws_it_without_a_warning(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    chart = clocks.clocks(run)
    assert chart
    vl_convert.vegalite_to_vega(chart.spec, show_warnings=True)
    assert capfd.readouterr().err == ""


def test_a_longer_history_has_fewer_clocks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert left_out(run) == []
    monkeypatch.setattr(clocks, "MAX_COMPUTED", len(CLOCKS) * run.events.height - 1)
    chart = clocks.clocks(run)
    assert chart
    assert rows_of(chart.spec)["clock"].to_list() == full_names(("own",), run)
    assert "other clock" not in chart.source
    assert f"with {run.events.height} events, only those of the run are" in left_out(run)[0]
    assert left_out(run)[0] in report.html(evaluate(run))
    monkeypatch.setattr(clocks, "MAX_OWN", 2 * run.events.height - 1)
    assert clocks.clocks(run) is None
    assert "none is computed" in left_out(run)[0]


def test_each_name_is_in_one_label(run: Run) -> None:
    chart = clocks.clocks(run)
    assert chart
    rows = rows_of(chart.spec)
    labels = [label for label in rows["label"] if label]
    assert sorted(", ".join(labels).split(", ")) == sorted(rows["clock"])
    assert len(labels) < len(rows)


def test_the_words_name_the_clock(run: Run) -> None:
    (chart,) = (one for one in run_charts(run) if one.name == "clocks")
    assert f"lamport: how {clocks.OF_RUN}, bytes per message" in chart.text
