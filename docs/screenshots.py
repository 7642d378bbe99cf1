"""python -m docs.screenshots: take the pictures in docs/images from reports of simulated runs."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.report import run as report
from orchestrator.backends.simulation import write
from orchestrator.cli import main as vklocks
from orchestrator.virtual.simulation import simulate
from vm.files import REPORT
from vm.spec import Spec

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
IMAGES = Path(__file__).parent / "images"
ROOT = Path(__file__).parent.parent
LAB = {"duration_s": 60, "seed": 1}
FAULTY = {
    "machines": 4,
    "duration_s": 20,
    "ticks": [3, 7],
    "seed": 4,
    "latency": {"kind": "lognormal", "median_s": 0.05, "sigma": 0.6},
    "faults": [
        {"kind": "loss", "probability": 0.1},
        {"kind": "duplication", "probability": 0.15, "at_s": 2, "until_s": 16},
        {"kind": "partition", "groups": [["vm1", "vm2"], ["vm3", "vm4"]], "at_s": 4, "until_s": 7},
        {"kind": "pause", "machine": "vm2", "at_s": 9, "until_s": 12},
        {"kind": "restart", "machine": "vm1", "at_s": 13, "until_s": 15},
        {"kind": "crash", "machine": "vm3", "at_s": 17},
    ],
}
LARGE = {"machines": 6, "duration_s": 60, "ticks": [100, 400], "seed": 2}

#: By picture: page, theme, selector ("" for the whole window), and JavaScript to run first.
PICTURES = {
    "report": ("lab", "light", "", ""),
    "charts": ("lab", "light", "#charts", ""),
    "past-and-future": (
        "lab",
        "light",
        "#diagram",
        "const { history, diagram, state } = vklocks; diagram.show(20e9, 34e9);"
        "state.change({ selected: history.row('vm1:135'), target: history.row('vm3:31') })",
    ),
    "faults": ("faulty", "light", "#diagram", ""),
    "cut": (
        "lab",
        "dark",
        "#diagram",
        "const { history: { lanes }, diagram, state } = vklocks; diagram.show(20e9, 34e9);"
        "state.change({ cutEnds: [160, 57, 27].map((n, lane) => lanes[lane].first + n) })",
    ),
    "causal-depth": ("faulty", "dark", "#diagram", "vklocks.state.change({ axis: 'depth' })"),
    "violations": ("violated", "light", "", ""),
    "large": (
        "large",
        "light",
        "#diagram",
        "vklocks.state.change({ selected: vklocks.history.row('vm3:6000') })",
    ),
    "experiment": ("runs/saturation", "light", "#charts", ""),
}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as directory, sync_playwright() as playwright:
        folder = Path(directory)
        pages = {name: _report(folder / name, plain) for name, plain in RUNS.items()}
        pages["violated"] = _violated(folder)
        experiment = str(ROOT / "experiments" / "saturation.toml")
        out = folder / "runs"
        vklocks(["run", experiment, "--backend", "simulation", "--out", str(out)])
        pages["runs/saturation"] = out / "saturation" / REPORT
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for picture, (page, theme, selector, act) in PICTURES.items():
            _take(browser, pages[page], theme, selector, act, IMAGES / f"{picture}.png")
        browser.close()


def _report(directory: Path, plain: Mapping[str, Any]) -> Path:
    directory.mkdir(parents=True)
    write(simulate(Spec.parse(plain), directory.name), directory)
    return report.write(evaluate(load(directory)), directory)


def _violated(folder: Path) -> Path:
    """Write the report of the lab's run with one send removed from a log."""
    _report(folder / "violated", LAB)
    log = folder / "violated" / "vm2.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    sends = [number for number, line in enumerate(lines) if '"kind":"send"' in line]
    log.write_text("".join(lines[: sends[3]] + lines[sends[3] + 1 :]))
    return report.write(evaluate(load(folder / "violated")), folder / "violated")


def _take(browser: Browser, path: Path, theme: str, selector: str, act: str, picture: Path) -> None:
    context = browser.new_context(
        viewport={"width": 1320, "height": 860},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.add_style_tag(content=".top { position: static !important; }")
    if selector == "#charts":
        page.locator(selector).scroll_into_view_if_needed()
        page.wait_for_selector('html[data-ready="all"]', state="attached")
    if act:
        page.evaluate(f"() => {{ {act} }}")
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)))")
    if selector:
        page.locator(selector).screenshot(path=picture)
    else:
        page.screenshot(path=picture)
    context.close()


RUNS: dict[str, Mapping[str, Any]] = {"lab": LAB, "faulty": FAULTY, "large": LARGE}

if __name__ == "__main__":
    main()
