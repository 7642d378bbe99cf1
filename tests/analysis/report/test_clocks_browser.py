"""Clocks in the report of a run: timestamps, and claims against the causal order, in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page

from analysis.evaluation import evaluate
from analysis.history.causality import causality
from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.report import run as report
from analysis.report import timestamps
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.clocks import CLOCKS, clock_of, full_name
from vm.spec import Spec

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

#: Every kind of clock at once; physical clocks so far apart that they reverse messages.
SPEC = {
    "duration_s": 12,
    "ticks": [3, 8],
    "clocks": list(CLOCKS),
    "workload": "tight",
    "physical_clocks": {"kind": "drift", "max_offset_s": 2, "max_drift_ppm": 100},
    "seed": 7,
}
NAMES = list(map(full_name, CLOCKS))
NEITHER, BEFORE, AFTER = 0, 1, 2
PUT_BEFORE, PUT_AFTER, LOST, REVERSED = 1, 2, 3, 4


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    directory = tmp_path_factory.mktemp("clocks")
    write(simulate(Spec.parse(SPEC), "clocks"), directory)
    run = load(directory)
    return run, report.write(evaluate(run), directory)


def as_tuple(value: Any) -> Any:
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


def claims(run: Run, name: str, row: int) -> list[int]:
    """Return a clock's claim about each event and `row`, by its own `precedes`."""
    precedes = clock_of(name).precedes
    values = list(map(as_tuple, run.events[f"clock_{name}"].to_list()))
    own = values[row]
    return [
        BEFORE if precedes(other, own) else AFTER if precedes(own, other) else NEITHER
        for other in values
    ]


def wrong(run: Run, name: str, row: int) -> list[int]:
    known = causality(run)
    found = []
    for other, claim in enumerate(claims(run, name, row)):
        truth = NEITHER
        if known.happened_before(other, row):
            truth = BEFORE
        elif known.happened_before(row, other):
            truth = AFTER
        if claim == truth:
            found.append(0)
        elif truth == NEITHER:
            found.append(PUT_BEFORE if claim == BEFORE else PUT_AFTER)
        else:
            found.append(LOST if claim == NEITHER else REVERSED)
    return found


CHOOSE = """(chosen) => {
    vklocks.state.change(chosen);
    vklocks.diagram.draw();
    const [claims] = vklocks.diagram.claims;
    return { claimed: [...claims.claimed], wrong: [...claims.wrong] };
}"""


def test_claims_are_those_of_the_clock(reported: tuple[Run, Path], opened: Open) -> None:
    run, path = reported
    page = opened(path)
    for name in NAMES:
        for row in (0, 20, run.events.height // 2, run.events.height - 1):
            found = page.evaluate(CHOOSE, {"clock": name, "selected": row, "wrong": True})
            assert found["claimed"] == claims(run, name, row), name
            assert found["wrong"] == wrong(run, name, row), name


@pytest.mark.parametrize("name", NAMES)
def test_wrong_pairs_are_of_the_kinds_that_a_promise_allows(
    name: str, reported: tuple[Run, Path]
) -> None:
    run, _ = reported
    kinds = {kind for row in range(0, run.events.height, 5) for kind in wrong(run, name, row)} - {0}
    if clock_of(name).promise == "strong clock condition":
        assert not kinds
    elif name == "wall":
        assert {PUT_BEFORE, PUT_AFTER, REVERSED} <= kinds
    elif name == "lamport":
        assert kinds == {PUT_BEFORE, PUT_AFTER}
    elif name == "direct":
        assert kinds == {LOST}


def test_timestamps_of_all_types_are_shown(reported: tuple[Run, Path], opened: Open) -> None:
    run, path = reported
    page = opened(path)
    page.evaluate("vklocks.state.change({selected: 3})")
    details = page.locator("#details").inner_text()
    for name in NAMES:
        shown = page.evaluate(
            """(name) => {
                const { history } = vklocks, clock = history.clockNamed.get(name);
                return [...history.kind].map((_, row) => history.reading(clock, row));
            }""",
            name,
        )
        assert shown == list(map(str, run.events[f"clock_{name}"].to_list()))
        assert f"clock {name}\n{shown[3]}" in details


def texts(page: Page) -> list[str]:
    root = ElementTree.fromstring(page.evaluate("vklocks.svgText()"))
    return [one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}text")]


def test_timestamps_stand_beside_events_where_there_is_room(
    reported: tuple[Run, Path], opened: Open
) -> None:
    run, path = reported
    page = opened(path)
    view = """([from, to]) => {
        vklocks.state.change({from, to});
        vklocks.diagram.draw();
        return vklocks.diagram.picture.timestamps;
    }"""
    page.set_viewport_size({"width": 520, "height": 800})
    page.wait_for_function("document.documentElement.clientWidth <= 520")
    assert page.evaluate(view, [None, None]) == 0
    page.set_viewport_size({"width": 1400, "height": 900})
    page.wait_for_function("vklocks.diagram.canvas.clientWidth > 700")
    # Those at the right edge have less room.
    inside = run.events.filter(run.events["at_ns"].is_between(5_000_000_000, 5_700_000_000))
    assert page.evaluate(view, [5e9, 5.9e9]) >= inside.height > 5
    assert set(map(str, inside["clock_lamport"])) <= set(texts(page))
    page.get_by_label("Timestamps").select_option("vector")
    page.get_by_label("beside").select_option("matrix")
    page.evaluate(view, [5e9, 5.4e9])
    inside = inside.filter(inside["at_ns"] < 5_200_000_000)
    assert inside.height > 2
    vectors = {" ".join(map(str, vector)) for vector in inside["clock_vector"].to_list()}
    matrices = {
        " | ".join(" ".join(map(str, row)) for row in rows)
        for rows in inside["clock_matrix"].to_list()
    }
    assert vectors | matrices <= set(texts(page))
    page.get_by_label("Timestamps").select_option("")
    page.get_by_label("beside").select_option("")
    assert page.evaluate(view, [5e9, 5.9e9]) == 0


def test_wrong_pairs_are_counted_in_words_and_marked(
    reported: tuple[Run, Path], opened: Open
) -> None:
    run, path = reported
    page = opened(path, "#clock=lamport")
    row = 30
    page.evaluate("(selected) => vklocks.state.change({selected})", row)
    counts = [wrong(run, "lamport", row).count(kind) for kind in range(5)]
    sentence = (
        f"lamport puts {counts[PUT_BEFORE]} concurrent events before this one"
        f" and {counts[PUT_AFTER]} after it."
    )
    assert sentence in page.locator("#details").inner_text()
    magenta = "vklocks.svgText().split(vklocks.diagram.ink.wrong).length - 1"
    assert page.evaluate(magenta) == 0
    assert "by the clock" not in page.locator("#legend").inner_text()
    page.locator("#canvas").focus()
    page.keyboard.press("w")
    assert page.evaluate(magenta) > 0
    assert "before the selected event by the clock" in page.locator("#legend").inner_text()
    assert page.locator("#wrong").get_attribute("aria-pressed") == "true"
    page.evaluate("vklocks.state.change({clock: 'wall'})")
    counts = [wrong(run, "wall", row).count(kind) for kind in range(5)]
    assert counts[REVERSED]
    text = page.locator("#details").inner_text()
    assert f"does not order {counts[LOST]}, and orders {counts[REVERSED]} the wrong way" in text


def test_two_clocks_are_compared(reported: tuple[Run, Path], opened: Open) -> None:
    run, path = reported
    page = opened(path)
    row = 30
    page.evaluate("(selected) => vklocks.state.change({selected})", row)
    page.locator("#canvas").focus()
    page.keyboard.press("t")
    assert page.evaluate("vklocks.state.now.clock") == "vector"
    page.keyboard.press("T")
    assert page.evaluate("vklocks.state.now.second") == "lamport"
    page.evaluate("vklocks.diagram.draw()")
    pairs = zip(claims(run, "vector", row), claims(run, "lamport", row), strict=True)
    differing = [int(a != b) for a, b in pairs]
    assert page.evaluate("[...vklocks.diagram.scene().differs]") == differing
    words = f"vector and lamport order {sum(differing)} events differently against this one."
    assert words in page.locator("#details").inner_text()
    page.wait_for_function("location.hash.includes('beside=lamport')")
    again = opened(path, "#" + page.url.split("#")[1])
    chosen = "(({clock, second, wrong}) => [clock, second, wrong])(vklocks.state.now)"
    assert again.evaluate(chosen) == ["vector", "lamport", False]
    assert again.get_by_label("beside").input_value() == "lamport"
    other = opened(path, "#clock=none&wrong=1&beside=sundial")
    assert other.evaluate(chosen) == ["", "", True]


def test_a_clock_that_is_too_large_is_named(
    reported: tuple[Run, Path], opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = reported
    monkeypatch.setattr(timestamps, "MAX_NUMBERS", 9 * run.events.height - 1)
    page = opened(report.write(evaluate(run), tmp_path))
    options = page.locator("#clock option").all_inner_texts()
    assert "matrix: too large for a page" in options
    assert "lamport" in options
    assert page.evaluate("vklocks.history.clockNamed.has('matrix')") is False


def test_the_tools_of_the_diagram_do_not_overlap(reported: tuple[Run, Path], opened: Open) -> None:
    page = opened(reported[1])
    for width in (380, 1000, 1280, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        search = page.locator("#search label").bounding_box()
        clocks = page.locator("#clocks").bounding_box()
        assert search
        assert clocks
        is_beside = search["x"] + search["width"] <= clocks["x"]
        is_above = search["y"] + search["height"] <= clocks["y"]
        assert is_beside or is_above, width
