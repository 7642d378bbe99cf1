"""docs/notebook.ipynb runs from top to bottom, and its tables say what its text says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cluster import ROOT

pytestmark = pytest.mark.xdist_group("notebook")
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
TIMEOUT_S = 120
#: The statements of the text about the tables above it.
STATEMENTS = """
fast, second, slow = jumps.rows(named=True)
assert [fast["tick_rate_hz"], second["tick_rate_hz"], slow["tick_rate_hz"]] == [6, 2, 1]
assert fast["jump_max"] == 1
assert round(second["jump_mean"]) == 3
assert second["jump_mean"] < slow["jump_mean"] < 6
lag = dict(drift.select("machine", "lag_behind_front_mean").iter_rows())
assert lag["vm2"] < 5 < 50 < lag["vm3"]
receiving, peak, left = queues.row(2)[2:]
assert receiving > 0.95 and left > 0.8 * peak
assert run.machines.row(2, named=True)["send"] <= 2
assert rates["skew_mean"].is_sorted(descending=True)
assert rates["skew_mean"][0] > 30 * rates["skew_mean"][2]
assert rates["queue_peak"][0] > 10 * rates["queue_peak"][2]
for column in ("jump_mean", "jump_max", "skew_mean", "queue_peak"):
    assert spread[column].is_sorted(descending=True)
assert spread["jump_mean"][2] < 1.2 and spread["queue_peak"][2] < 1.1
for column in ("skew_mean", "queue_peak", "queue_left"):
    assert internal[column].is_sorted(descending=True)
assert internal["jump_max"].is_sorted()
assert similar["skew_mean"].max() < 2 and similar["queue_peak"].max() < 3
assert run.happened_before(a, b)
assert value[c] < value[d] and run.concurrent(c, d)
assert run.check().state == real.check().state == "holds"
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(STATEMENTS))
    folder = tmp_path_factory.mktemp("notebook")
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=TIMEOUT_S, resources=resources).execute()


def test_every_cell_runs_and_the_text_is_true(executed: nbformat.NotebookNode) -> None:
    assert executed.cells[-1].outputs == []


def test_runs_charts_and_diagram_show_themselves(executed: nbformat.NotebookNode) -> None:
    shown = {
        cell.source: output.data.get("text/html", "")
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if "data" in output
    }
    assert "srcdoc=" in shown["run.diagram()"]
    charts = [html for source, html in shown.items() if source.startswith("run.plot(")]
    assert len(charts) == 4
    assert all("vega" in html for html in charts)
    assert "Verdict holds" in next(
        html for source, html in shown.items() if "import vklocks" in source
    )


def test_the_committed_notebook_has_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    assert Path(NOTEBOOK).stat().st_size < 20_000
