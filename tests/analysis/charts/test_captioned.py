"""The data that is drawn is the data that is counted; read back from the page's own text."""

import base64
import json
import re
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import polars as pl
import pytest
import vl_convert
from polars.testing import assert_frame_equal

from analysis.charts import encodings
from analysis.charts import run as charts_of_run
from analysis.charts.captioned import run_charts
from analysis.charts.encodings import MAX_HUES
from analysis.charts.renderers import Renderers
from analysis.charts.run import RUN_CHARTS
from analysis.charts.themes import standalone_specs
from analysis.evaluation import evaluate
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.events import prepare
from analysis.metrics.labels import show
from analysis.metrics.machine import per_machine
from analysis.metrics.run import skews
from analysis.report import run as report
from example_runs import EXAMPLE_RUNS, rows_of, write_example

# Starting V8 takes two seconds, in each worker that does.
pytestmark = pytest.mark.xdist_group("charts")


@cache
def example_run(example: str) -> Run:
    with TemporaryDirectory() as directory:
        return load(write_example(example, Path(directory)))


def embedded(html: str) -> dict[str, pl.DataFrame]:
    """For every chart of a page, the rows that it draws."""
    packed = re.search(r'id="specs">([^<]*)<', html)
    assert packed
    plain = json.loads(zlib.decompress(base64.b64decode(packed[1])))
    return {name: rows_of(spec) for name, spec in plain["charts"].items()}


@pytest.fixture(scope="module", params=EXAMPLE_RUNS)
def run(request: pytest.FixtureRequest) -> Run:
    return example_run(request.param)


@pytest.fixture(scope="module")
def charts(run: Run) -> dict[str, pl.DataFrame]:
    return embedded(report.html(evaluate(run)))


def test_every_chart_is_there(charts: dict[str, pl.DataFrame]) -> None:
    assert list(charts) == list(RUN_CHARTS)


def test_series_are_the_events(run: Run, charts: dict[str, pl.DataFrame]) -> None:
    for name, column in {"clock": "main", "queue": "queue"}.items():
        wanted = run.events.select("machine", at_s=pl.col("at_ns") / 1e9, value=column)
        assert_frame_equal(charts[name], wanted)
    wanted = skews(run).select(at_s=pl.col("at_ns") / 1e9, value="spread")
    assert_frame_equal(charts["skew"].select("at_s", "value"), wanted)
    jumps = prepare(run).drop_nulls("jump")
    wanted = jumps.select("machine", at_s=pl.col("at_ns") / 1e9, value="jump")
    assert_frame_equal(charts["jumps"], wanted)


def test_distributions_are_the_metrics(run: Run, charts: dict[str, pl.DataFrame]) -> None:
    figures = per_machine(run)
    for name in ("time_in_queue", "network_delay"):
        p95 = charts[name].filter((pl.col("share") - 0.95).abs() < 1e-9).select("machine", "ms")
        wanted = figures.select("machine", ms=f"{name}_p95_ms").drop_nulls()
        assert_frame_equal(p95, wanted)
        for _, rows in charts[name].group_by("machine"):
            assert rows["share"].to_list() == [n / 100 for n in range(101)]
            assert rows["ms"].is_sorted()
    counts = charts["jump_sizes"]
    mean = (pl.col("jump") * pl.col("count")).sum() / pl.col("count").sum()
    means = counts.group_by("machine", maintain_order=True).agg(jump_mean=mean)
    assert_frame_equal(means, figures.select("machine", "jump_mean"))
    assert counts["count"].sum() == run.events.height - len(run.machines)


def test_bars_are_the_metrics(run: Run, charts: dict[str, pl.DataFrame]) -> None:
    figures = per_machine(run)
    for kind in ("internal", "send", "receive"):
        counts = charts["event_mix"].filter(kind=kind).select("machine", **{kind: "count"})
        assert_frame_equal(counts, figures.select("machine", kind))
    assert_frame_equal(
        charts["utilisation"], figures.select("machine", "utilisation", "predicted_utilisation")
    )


def test_too_many_readings_keep_their_peaks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts_of_run, "MAX_ROWS", 100)
    figures = per_machine(run)
    for name, column in {"queue": "queue", "clock": "main"}.items():
        chart = RUN_CHARTS[name](run)
        assert chart
        rows = rows_of(chart.spec)
        assert len(rows) < run.events.height
        assert f"all {run.events.height:,} events, in intervals of" in chart.source
        ends = run.events.group_by("machine", maintain_order=True).agg(
            low=pl.col(column).min(), high=pl.col(column).max(), value=pl.col(column).last()
        )
        drawn = rows.group_by("machine", maintain_order=True).agg(
            pl.col("low").min(), pl.col("high").max(), pl.col("value").last()
        )
        assert_frame_equal(drawn, ends)
        assert (rows["low"] <= rows["value"]).all()
        assert (rows["value"] <= rows["high"]).all()
    chart = RUN_CHARTS["jumps"](run)
    assert chart
    highest = rows_of(chart.spec).group_by("machine").agg(pl.col("high").max())
    assert dict(highest.iter_rows()) == dict(figures.select("machine", "jump_max").iter_rows())


@pytest.mark.parametrize("max_rows", [100, charts_of_run.MAX_ROWS])
@pytest.mark.parametrize("max_hues", [2, MAX_HUES])
def test_vega_lite_takes_every_chart_without_a_warning(
    run: Run,
    max_rows: int,
    max_hues: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(charts_of_run, "MAX_ROWS", max_rows)
    monkeypatch.setattr(encodings, "MAX_HUES", max_hues)
    for name, draw in RUN_CHARTS.items():
        chart = draw(run)
        assert chart, name
        vl_convert.vegalite_to_vega(chart.spec, show_warnings=True)
        assert capfd.readouterr().err == "", name


def test_nothing_of_nothing_is_no_share(tmp_path: Path) -> None:
    log = write_example("fault_free", tmp_path) / "vm2.jsonl"
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    (chart,) = (chart for chart in run_charts(load(tmp_path)) if chart.name == "event_mix")
    assert rows_of(chart.spec).filter(machine="vm2")["share"].to_list() == [None] * 3
    json.dumps(chart.spec, allow_nan=False)


def test_the_words_are_the_metrics(run: Run) -> None:
    figures = per_machine(run)
    for captioned in run_charts(run):
        if captioned.headings[0] != "machine":
            continue
        assert [row[0] for row in captioned.rows] == list(run.machines)
        chart = RUN_CHARTS[captioned.name](run)
        assert chart
        for position, name in enumerate(chart.metrics, 1):
            column = [row[position] for row in captioned.rows]
            assert column == [show(value) for value in figures[name].to_list()]
            assert all(value in captioned.text for value in column)


def test_charts_are_files_too(tmp_path: Path) -> None:
    drawn = run_charts(example_run("fault_free"))[:2]
    renderers = Renderers()
    renderers.draw(standalone_specs(drawn), tmp_path / "charts")
    renderers.wait()
    for captioned in drawn:
        svg = (tmp_path / "charts" / f"{captioned.name}.svg").read_text()
        assert captioned.question in "".join(ElementTree.fromstring(svg).itertext())
        png = (tmp_path / "charts" / f"{captioned.name}.png").read_bytes()
        assert png.startswith(b"\x89PNG")
    (tmp_path / "charts" / f"{drawn[0].name}.png").unlink()
    (tmp_path / "charts" / f"{drawn[0].name}.png").mkdir()
    renderers.draw(standalone_specs(drawn), tmp_path / "charts")
    with pytest.raises(IsADirectoryError, match=f"{drawn[0].name}.png"):
        renderers.wait()


def test_what_the_logs_do_not_say_is_not_drawn(tmp_path: Path) -> None:
    begun = "2025-03-04 10:00:00,000 INFO: Machine m1 initialized with tick rate 2 ticks per second"
    event = (
        "2025-03-04 10:00:01,000 INFO: Internal event: updated logical clock to 1, system_time=1"
    )
    (tmp_path / "m1.log").write_text(f"{begun}\n{event}\n")
    names = [captioned.name for captioned in run_charts(load(tmp_path))]
    assert "clock" in names
    assert not {"queue", "network_delay", "jumps"} & set(names)
