"""The diagram in a cell of a notebook: a frame in the page around it, without a network."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from analysis.evaluation import evaluate
from analysis.logs.own import of_records
from analysis.report.cell import Diagram
from analysis.report.run import diagram_html
from orchestrator.virtual.simulation import simulate
from vm.spec import Spec

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

SPEC = Spec.parse({"duration_s": 10, "seed": 7})


@pytest.fixture
def notebook(opened: Open, tmp_path: Path) -> Page:
    """Open a page with a diagram in it; `opened` fails the test if a script complains."""
    evaluation = evaluate(of_records(Path("a <run>"), simulate(SPEC, "a <run>")))
    cell = Diagram("a <run>", diagram_html(evaluation))._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><html data-ready><body>{cell}</body></html>")
    return opened(path)


def test_a_cell_shows_the_diagram_and_its_log(notebook: Page) -> None:
    frame = notebook.frame_locator("iframe")
    frame.locator("html[data-ready=all]").wait_for(state="attached")
    expect(frame.locator("#diagram h2")).to_be_in_viewport()
    expect(frame.locator("#scale")).to_contain_text("160 of 160 events")
    expect(frame.locator("#verdict, #charts, [data-act=share]")).to_have_count(0)


def test_the_diagram_in_a_cell_is_interactive(notebook: Page) -> None:
    frame = notebook.frame_locator("iframe")
    frame.locator("html[data-ready=all]").wait_for(state="attached")
    frame.get_by_role("searchbox").fill("kind:receive")
    frame.get_by_role("searchbox").press("Enter")
    expect(frame.locator("#hits")).to_have_text("1 of 46")
    expect(frame.locator("#details")).to_contain_text("vm1:0")
    # A page writes its address in a timer of 0.12 s, which must not fail here: a later timer.
    frame.locator("html").evaluate("() => new Promise((done) => setTimeout(done, 150))")


def test_the_page_in_a_cell_cannot_reach_the_notebook(notebook: Page) -> None:
    inner = notebook.locator("iframe").element_handle().content_frame()
    assert inner
    assert (
        inner.evaluate("() => { try { return parent.document.title } catch { return null } }")
        is None
    )
