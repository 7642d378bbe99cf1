"""The report of a run in a real browser."""

import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page, expect

from analysis.charts.run import RUN_CHARTS
from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.history.causality import MESSAGE, causality
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.report import run as report
from cuts import consistent_within
from example_runs import EXAMPLE_RUNS, write_example

Open = Callable[..., Page]

pytestmark = pytest.mark.browser


def relations(page: Page, row: int) -> dict[str, list[int]]:
    """Click an event; which rows the page then colours how."""
    at = page.evaluate(
        """(row) => {
            const { diagram, history, state } = vklocks;
            const x = diagram.prepared.axis.x[row];
            state.change({ selected: -1, target: -1 });
            diagram.show(x - 400e6, x + 400e6);
            diagram.draw();
            const box = diagram.canvas.getBoundingClientRect();
            return [box.left + diagram.view.px(x), box.top + diagram.view.y(history.lane[row])];
        }""",
        row,
    )
    page.mouse.click(*at)
    found: dict[str, list[int]] = page.evaluate(
        """() => {
            const { history, diagram } = vklocks;
            const found = { self: [], past: [], future: [], concurrent: [] };
            history.kind.forEach((_, row) => found[diagram.cone.relation(row)].push(row));
            return found;
        }"""
    )
    return found


Reported = Callable[[str], tuple[Run, Path]]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Return the run and the report of an example, which are written once and never changed."""

    @cache
    def write(example: str) -> tuple[Run, Path]:
        directory = write_example(example, tmp_path_factory.mktemp(example))
        run = load(directory)
        return run, report.write(evaluate(run), directory)

    return write


@pytest.fixture(params=EXAMPLE_RUNS)
def told(request: pytest.FixtureRequest, reported: Reported) -> tuple[Run, Path]:
    """A run of each example, and its report."""
    return reported(request.param)


def test_a_click_colours_the_causal_past_and_future(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page, known = opened(path), causality(run)
    page.locator("#diagram").scroll_into_view_if_needed()
    draw = random.Random(1)
    for row in [draw.randrange(len(known)) for _ in range(5)]:
        found = relations(page, row)
        assert found["self"] == [row]
        assert found["past"] == known.past(row).tolist()
        assert found["future"] == known.future(row).tolist()
        assert len(found["concurrent"]) == len(known) - 1 - len(found["past"] + found["future"])


def test_two_clicks_show_a_shortest_path(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page, known = opened(path), causality(run)
    draw = random.Random(2)
    for _ in range(20):
        a, b = draw.sample(range(len(known)), 2)
        hops = page.evaluate(
            """([selected, target]) => {
                vklocks.state.change({selected, target});
                return vklocks.diagram.path;
            }""",
            [a, b],
        )
        first, last = (a, b) if known.happened_before(a, b) else (b, a)
        expected = known.path(first, last)
        if not expected:
            assert hops is None
            assert "are concurrent" in page.locator("#details").inner_text()
            continue
        assert [hops[0]["from"], hops[-1]["to"]] == [first, last]
        assert all(one["to"] == other["from"] for one, other in pairwise(hops))
        for hop in hops:
            if hop["message"] >= 0:
                assert known.send[hop["to"]] == hop["from"]
            else:
                assert known.machine[hop["from"]] == known.machine[hop["to"]]
                assert hop["from"] < hop["to"]
        messages = [hop for hop in hops if hop["message"] >= 0]
        assert len(messages) == sum(hop.reason == MESSAGE for hop in expected)


def test_causal_depth_is_an_axis(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page = opened(path)
    page.get_by_role("radio", name="Causal depth").click()
    depth = page.evaluate("() => [...vklocks.diagram.prepared.axis.x]")
    assert depth == causality(run).depth.tolist()
    page.get_by_role("radio", name="Clock").click()
    assert (
        page.evaluate("() => [...vklocks.diagram.prepared.axis.x]") == run.events["main"].to_list()
    )


def test_cuts_are_judged_and_repaired(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page, known = opened(path), causality(run)
    draw = random.Random(3)
    for _ in range(15):
        cut = [draw.randint(0, int(n)) for n in np.diff(known.first)]
        ends = [int(first) + n for first, n in zip(known.first, cut, strict=False)]
        consistent, repaired = page.evaluate(
            """(ends) => {
                vklocks.state.change({cutEnds: ends});
                const cut = vklocks.diagram.cut;
                return [cut.consistent, cut.repaired().ends];
            }""",
            ends,
        )
        within = consistent_within(known, cut)
        assert consistent == (within == tuple(cut))
        assert repaired == [int(f) + n for f, n in zip(known.first, within, strict=False)]


def test_the_arrows_are_the_messages(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page = opened(path)
    for axis in ("wall", "clock", "depth"):
        drawn = page.evaluate(
            """(axis) => {
                vklocks.state.change({axis, from: null, to: null});
                vklocks.diagram.draw();
                const { ends, arrows, shown } = vklocks.diagram.picture;
                const distinct = new Set(shown.map(([message]) => message)).size;
                return { ends, arrows, distinct };
            }""",
            axis,
        )
        held = account(Evidence(run))
        assert drawn["arrows"] == drawn["distinct"] == held.sent
        assert drawn["ends"] == {end: count for end, count in held.ends.items() if count}


def test_every_message_that_arrived_has_its_head(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page = opened(path)
    # Heads are the picture's only triangles; nothing is pinned here.
    triangle = re.compile(r"M[^MLZa]*L[^MLZa]*L[^MLZa]*Z")
    for axis in ("wall", "depth"):
        page.evaluate("(axis) => vklocks.state.change({axis, from: null, to: null})", axis)
        root = ElementTree.fromstring(page.evaluate("vklocks.svgText()"))
        paths = [element.get("d", "") for element in root.iter("{http://www.w3.org/2000/svg}path")]
        heads = sum(len(triangle.findall(d)) for d in paths)
        counted = account(Evidence(run))
        assert heads == counted.received + counted.inbox


def test_every_event_in_view_is_drawn_or_counted(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page = opened(path)
    at_ns = run.events["at_ns"]
    for low, high in ((None, None), (6e9, 8e9), (9.3e9, 9.31e9)):
        picture = page.evaluate(
            """([from, to]) => {
                vklocks.state.change({from, to});
                vklocks.diagram.draw();
                const { from: low, to: high } = vklocks.diagram.view;
                return { ...vklocks.diagram.picture, low, high, shown: null };
            }""",
            [low, high],
        )
        inside = at_ns.is_between(picture["low"], picture["high"]).sum()
        assert picture["marks"] + picture["counted"] == inside
    page.set_viewport_size({"width": 520, "height": 800})
    page.evaluate("vklocks.state.change({from: null, to: null}); vklocks.diagram.draw()")
    picture = page.evaluate("({...vklocks.diagram.picture, shown: null})")
    assert picture["counted"] > 0
    assert picture["marks"] + picture["counted"] == run.events.height


STATE: dict[str, Any] = {
    "axis": "depth",
    "from": 10,
    "to": 60.5,
    "selected": 40,
    "target": 17,
    "order": [2, 0, 1],
    "query": "kind:receive machine:vm1",
    "only": True,
}


def test_an_address_leads_back_to_the_same_view(reported: Reported, opened: Open) -> None:
    path = reported("fault_free")[1]
    page = opened(path)
    read = """() => {
        const { hidden, found, ...rest } = vklocks.state.now;
        return { ...rest, hidden: [...hidden], hits: found && found.rows.length };
    }"""
    page.evaluate("(state) => vklocks.state.change({...state, hidden: new Set([1])})", STATE)
    page.evaluate("vklocks.state.change({cutEnds: vklocks.history.lanes.map((l) => l.first + 5)})")
    page.wait_for_function("location.hash.includes('cut=')")
    before = page.evaluate(read)
    again = opened(path, "#" + page.url.split("#")[1])
    assert again.evaluate(read) == before
    assert before["cutEnds"] is not None
    assert before | STATE == before
    unharmed = opened(path, "#sel=nobody:3&axis=other&view=9 1&lanes=x&cut=1&to=%E0%A4%A")
    assert unharmed.evaluate("vklocks.state.now.selected") == -1


def test_an_edited_address_moves_the_view(reported: Reported, opened: Open) -> None:
    page = opened(reported("fault_free")[1])
    page.evaluate("location.hash = '#sel=vm2%3A30'")
    page.wait_for_function("vklocks.state.now.selected === vklocks.history.row('vm2:30')")
    assert page.locator("#details h4").first.inner_text() == "vm2:30"


def test_the_log_and_the_diagram_follow_each_other(told: tuple[Run, Path], opened: Open) -> None:
    run, path = told
    page = opened(path)
    log = page.locator("#log-table")
    assert log.get_attribute("aria-rowcount") == str(run.events.height + 1)
    page.evaluate("vklocks.state.change({selected: 150})")
    line = page.locator('.log-row[aria-selected="true"]')
    assert line.get_attribute("data-row") == "150"
    name = "{machine}:{index}".format_map(run.events.row(150, named=True))
    assert line.locator("span").first.inner_text() == name
    other = page.locator(".log-row").nth(3)
    row = int(other.get_attribute("data-row") or -1)
    other.click()
    assert page.evaluate("vklocks.state.now.selected") == row
    log.focus()
    page.keyboard.press("End")
    order = page.evaluate("[...vklocks.log.rows]")
    assert page.evaluate("vklocks.state.now.selected") == order[-1]
    at_ns = run.events["at_ns"].to_list()
    assert order == sorted(range(len(at_ns)), key=lambda row: (at_ns[row], row))


QUERIES = {
    "kind:receive queue>0": (pl.col("kind") == "receive") & (pl.col("queue") > 0),
    "machine:vm2 index<=7": (pl.col("machine") == "vm2") & (pl.col("index") <= 7),
    "to:vm1 machine!=vm2": pl.col("to").list.contains("vm1") & (pl.col("machine") != "vm2"),
    "from:vm* lamport>=20": pl.col("sender").is_not_null() & (pl.col("clock_lamport") >= 20),
    "at<2.5 at>1": pl.col("at_ns").is_between(1e9, 2.5e9, closed="none"),
    "internal": pl.col("kind") == "internal",
}


def test_searching_finds_what_a_filter_finds(reported: Reported, opened: Open) -> None:
    run, path = reported("fault_free")
    page = opened(path)
    page.get_by_label("only hits in the log").check()
    for query, condition in QUERIES.items():
        page.evaluate("vklocks.state.change({ selected: -1, target: -1 })")
        page.get_by_role("searchbox").fill(query)
        page.wait_for_function("(query) => vklocks.state.now.query === query", arg=query)
        found = page.evaluate("[...vklocks.state.now.found.rows].sort((a, b) => a - b)")
        wanted = run.events.with_row_index("row").filter(condition.fill_null(False))["row"]
        assert found == wanted.to_list()
        assert len(found) > 0
        assert f"{len(found):,} hits" in page.locator("#hits").inner_text()
        assert page.evaluate("vklocks.log.rows.length") == len(found)
        page.get_by_role("button", name="Next hit").click()
        assert page.evaluate("vklocks.state.now.selected") == page.evaluate(
            "vklocks.state.now.found.rows[0]"
        )


def test_a_search_that_means_nothing_says_why(reported: Reported, opened: Open) -> None:
    page = opened(reported("fault_free")[1])
    page.get_by_role("searchbox").fill("colour:red")
    assert page.locator("#hits.wrong").inner_text() == "no field colour"
    page.get_by_role("searchbox").fill("queue>many")
    assert "compared with numbers" in page.locator("#hits.wrong").inner_text()


def test_the_diagram_by_keys_alone(reported: Reported, opened: Open) -> None:
    run, path = reported("fault_free")
    page, known = opened(path), causality(run)
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowRight")
    first = page.evaluate("vklocks.state.now.selected")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("vklocks.state.now.selected") == first + 1
    page.keyboard.press("ArrowDown")
    lane = page.evaluate("vklocks.history.lane[vklocks.state.now.selected]")
    assert lane == known.machine[first] + 1
    assert page.locator("#live").inner_text().startswith(f"{run.machines[lane]}:")
    page.evaluate(
        "vklocks.state.change({selected: vklocks.history.receivedAs.findIndex((m) => m >= 0)})"
    )
    receive = page.evaluate("vklocks.state.now.selected")
    page.keyboard.press("m")
    assert page.evaluate("vklocks.state.now.selected") == known.send[receive]
    page.keyboard.press("Enter")
    page.keyboard.press("m")
    page.keyboard.press("3")
    assert page.evaluate("vklocks.state.now.axis") == "depth"
    page.keyboard.press("c")
    expect(page.locator("#cut-text")).to_contain_text("cut")
    before = page.evaluate("vklocks.state.now.cutEnds")
    page.keyboard.press("{")
    lane = page.evaluate("vklocks.history.lane[vklocks.state.now.selected]")
    after = page.evaluate("vklocks.state.now.cutEnds")
    assert [a - b for a, b in zip(before, after, strict=True)] == [int(n == lane) for n in range(3)]
    page.keyboard.press("}")
    assert page.evaluate("vklocks.state.now.cutEnds") == before
    page.keyboard.press("]")
    assert sum(page.evaluate("vklocks.state.now.cutEnds")) > sum(after)
    page.keyboard.press("Escape")
    assert page.evaluate("vklocks.state.now.selected") == -1
    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible()


def test_the_diagram_by_the_pointer(reported: Reported, opened: Open) -> None:
    page = opened(reported("fault_free")[1])
    page.locator("#diagram").scroll_into_view_if_needed()
    page.evaluate("vklocks.diagram.show(4e9, 12e9); vklocks.diagram.draw()")
    box = page.locator("#canvas").bounding_box()
    assert box
    view = "(({ from, to }) => [from, to])(vklocks.state.now)"

    def drag(*points: tuple[float, float]) -> None:
        (x, y), *others = points
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
        page.mouse.up()
        page.evaluate("vklocks.diagram.draw()")

    second_px = box["width"] / 8
    drag((500, 60), (500 - second_px, 60))
    assert page.evaluate(view) == pytest.approx([5e9, 13e9], rel=0.01)
    page.mouse.move(box["x"] + 2 * second_px, box["y"] + 60)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function("vklocks.state.now.to - vklocks.state.now.from < 7e9")
    low, high = page.evaluate(view)
    assert low + (high - low) / 4 == pytest.approx(7e9, rel=0.01)
    page.keyboard.down("Shift")
    drag((100, 60), (box["width"] / 2, 60))
    page.keyboard.up("Shift")
    assert page.evaluate(view) == pytest.approx(
        [low + (high - low) * 100 / box["width"], (low + high) / 2], rel=0.01
    )
    assert page.evaluate("vklocks.state.now.selected") == -1
    page.keyboard.press("c")
    page.evaluate("vklocks.diagram.draw()")
    before = page.evaluate("vklocks.state.now.cutEnds")
    handle = page.evaluate(
        "[vklocks.diagram.view.px(vklocks.diagram.cut.x(1, vklocks.diagram.prepared.axis)),"
        " vklocks.diagram.view.y(1)]"
    )
    drag(handle, (handle[0] + 200, handle[1]))
    after = page.evaluate("vklocks.state.now.cutEnds")
    assert [after[0], after[2]] == [before[0], before[2]]
    assert after[1] > before[1]


def test_the_minimap_and_the_lanes_are_dragged(reported: Reported, opened: Open) -> None:
    page = opened(reported("fault_free")[1])
    page.locator("#minimap").scroll_into_view_if_needed()
    page.evaluate("vklocks.diagram.show(1e9, 3e9); vklocks.diagram.draw()")
    strip = page.locator("#minimap").bounding_box()
    first, last = (page.locator(".lane").nth(n).bounding_box() for n in (0, 2))
    assert strip
    assert first
    assert last
    page.mouse.move(strip["x"] + strip["width"] * 0.1, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.6, strip["y"] + 20, steps=4)
    page.mouse.up()
    low, high = page.evaluate("[vklocks.state.now.from, vklocks.state.now.to]")
    assert high - low == pytest.approx(2e9)
    assert (low + high) / 2 == pytest.approx(12e9, rel=0.05)
    page.mouse.move(first["x"] + 60, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(first["x"] + 60, last["y"] + 8, steps=6)
    page.mouse.up()
    assert page.evaluate("vklocks.state.now.order") == [1, 2, 0]


def test_lanes_are_hidden_and_reordered(reported: Reported, opened: Open) -> None:
    page = opened(reported("fault_free")[1])
    page.locator(".lane").nth(0).focus()
    page.keyboard.press("Alt+ArrowDown")
    assert page.evaluate("vklocks.state.now.order") == [1, 0, 2]
    page.get_by_role("button", name="Hide vm2").click()
    page.wait_for_function("vklocks.diagram.view.lanes.length === 2")
    assert page.evaluate("vklocks.diagram.view.lanes") == [0, 2]
    assert page.evaluate("vklocks.log.rows.every((row) => vklocks.history.lane[row] !== 1)")
    page.get_by_role("button", name="show 1 hidden lane").click()
    assert page.evaluate("vklocks.state.now.hidden.size") == 0


def test_violations_are_pinned_and_led_to(tmp_path: Path, opened: Open) -> None:
    directory = write_example("fault_free", tmp_path)
    log = directory / "vm2.jsonl"
    lines = log.read_text().splitlines()
    dropped = next(n for n, line in enumerate(lines) if '"kind":"send"' in line)
    log.write_text("\n".join(lines[:dropped] + lines[dropped + 1 :]) + "\n")
    page = opened(report.write(evaluate(load(directory)), directory))
    link = page.locator(".violations a").first
    link.click()
    event = link.get_attribute("data-event")
    page.wait_for_function(
        "(event) => vklocks.state.now.selected === vklocks.history.row(event)", arg=event
    )
    assert page.evaluate("vklocks.diagram.pins.length") > 0
    assert page.evaluate("vklocks.diagram.pins.includes(vklocks.state.now.selected)")


def test_what_is_seen_can_be_saved(reported: Reported, opened: Open) -> None:
    page = opened(reported("faulty")[1])
    page.evaluate("vklocks.diagram.show(5e9, 11e9); vklocks.diagram.draw()")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save SVG").click()
    root = ElementTree.fromstring(Path(saved.value.path()).read_text())
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"vm1", "vm2", "vm3", "vm4"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 10
    with page.expect_download() as saved:
        page.locator("[data-act=savePng]").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")


def test_light_and_dark(reported: Reported, opened: Open) -> None:
    path = reported("fault_free")[1]
    ground = "getComputedStyle(document.body).backgroundColor"
    page = opened(path, color_scheme="dark")
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Theme").click()
    light = page.evaluate(ground)
    assert dark != light
    assert page.evaluate("vklocks.diagram.ink.card") == "rgb(255, 255, 255)"
    assert opened(path, color_scheme="light").evaluate(ground) == light


EVIL = "</script><img/src=x/onerror=document.title='taken'>"


def foreign_log(machine: str, lines: list[str]) -> str:
    """A text log of the first vklocks, whose machines may be called anything."""
    begun = f"Machine {machine} initialized with tick rate 2 ticks per second"
    stamped = [f"2025-03-04 10:00:0{n},000 INFO: {line}" for n, line in enumerate([begun, *lines])]
    return "".join(f"{line}\n" for line in stamped)


def test_what_looks_like_html_is_text(tmp_path: Path, opened: Open) -> None:
    received = "Processed received message: updated logical clock to 2, system_time=1"
    for number, machine in enumerate((EVIL, "b\"'&lt;")):
        lines = [f"Received message from {EVIL}: received_clock=1", f"{received}, queue_length=0"]
        log = foreign_log(machine, [*lines, EVIL])
        (tmp_path / f"<i>{number}<{chr(8232)}i>.log").write_text(log)
    page = opened(report.write(evaluate(load(tmp_path)), tmp_path))
    assert "taken" not in page.title()
    assert page.locator("img, i").count() == 0
    page.evaluate("vklocks.state.change({selected: 0})")
    assert EVIL in page.locator("#details").inner_text()
    assert EVIL in page.locator(".lane b").first.inner_text()
    assert page.locator("img, i").count() == 0
    assert EVIL in ElementTree.fromstring(page.evaluate("vklocks.svgText()")).itertext()


def test_an_imported_log(opened: Open, tmp_path: Path) -> None:
    for machine in ("m1", "m2"):
        lines = [
            f"Internal event: updated logical clock to {n}, system_time={n}" for n in range(1, 9)
        ]
        (tmp_path / f"{machine}.txt").write_text(foreign_log(machine, lines))
    page = opened(report.write(evaluate(load(tmp_path)), tmp_path))
    assert page.evaluate("vklocks.history.count") == 16
    assert page.locator("#verdict-title").inner_text().startswith("Nothing is violated, but")
    assert "format vklocks" in page.locator("#run").inner_text()


def test_the_text_alternative_counts_what_the_page_draws(
    told: tuple[Run, Path], opened: Open
) -> None:
    _, path = told
    page = opened(path)
    page.locator("details.alternative summary").click()
    cells = page.locator("#message-ends tbody td").all_inner_texts()
    counts = {end: int(count) for end, count in zip(cells[::2], cells[1::2], strict=True)}
    assert Counter({k: v for k, v in page.evaluate("vklocks.history.ends()").items() if v}) == {
        end: count for end, count in counts.items() if count
    }


def test_every_chart_is_drawn_in_both_themes(told: tuple[Run, Path], opened: Open) -> None:
    _, path = told
    page = opened(path)
    page.locator("#charts").scroll_into_view_if_needed()
    page.wait_for_selector('html[data-ready="all"]', state="attached")
    charts = page.locator("figure.chart")
    assert charts.count() == len(RUN_CHARTS) == page.locator("figure.chart canvas").count()
    picture = "document.querySelector('#chart-clock canvas').toDataURL()"
    light = page.evaluate(picture)
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme").click()
    page.wait_for_function(f"(light) => {picture} !== light", arg=light)
    with page.expect_download() as saved:
        charts.first.hover()
        charts.first.get_by_role("button", name="SVG").click()
    assert ElementTree.fromstring(Path(saved.value.path()).read_text()).tag.endswith("svg")
