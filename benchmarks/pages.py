"""How large is a report, and how fast are its first paint and the redraws of its diagram?

Runs of 60 s are simulated and their reports opened in Debian's Chromium without a GPU. The
diagram is moved a little before each of many frames, with all, a tenth, a hundredth and a
thousandth of the run in view. The time of a redraw ends when a pixel can be read back, so it
includes work that Chromium postpones.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.report import run as report
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.spec import Spec

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
#: Rates of three machines, by the approximate number of events in a minute.
SIZES = {
    "a lab's run": {"vm1": 6, "vm2": 2, "vm3": 1},
    "100,000 events": {"vm1": 360, "vm2": 555, "vm3": 755},
    "1,000,000 events": {"vm1": 3600, "vm2": 5550, "vm3": 7550},
}
SHARES = (1, 0.1, 0.01, 0.001)
REDRAWS = """async (shares) => {
  const { diagram } = vklocks;
  const { axis } = diagram.prepared;
  const whole = axis.high - axis.low;
  const medians = {};
  for (const share of shares) {
    const times = [];
    for (let n = 0; n < 60; n++) {
      await new Promise(requestAnimationFrame);
      const begin = share < 1 ? 0.2 + share * n * 0.01 : n * 1e-4;
      const from = axis.low + whole * begin;
      diagram.state.change({ from, to: from + whole * share });
      const begun = performance.now();
      diagram.draw();
      diagram.canvas.getContext("2d").getImageData(0, 0, 1, 1);
      times.push(performance.now() - begun);
    }
    times.sort((a, b) => a - b);
    medians[share] = [times[30], times[57]];
  }
  return medians;
}"""


@dataclass(frozen=True)
class Measured:
    """The measurements of one report; redraws as median and 95th percentile by share in view."""

    events: int
    size_mb: float
    written_s: float
    first_paint_ms: float
    diagram_ms: float
    redraws_ms: dict[str, tuple[float, float]]


def main() -> None:
    with TemporaryDirectory() as directory, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, rates_hz in SIZES.items():
            _print(name, measure(browser, Path(directory) / name, rates_hz))
        browser.close()


def measure(browser: Browser, directory: Path, rates_hz: dict[str, int]) -> Measured:
    """Measure the report of a one-minute run at these rates."""
    directory.mkdir()
    spec = Spec.parse({"duration_s": 60, "tick_rates_hz": rates_hz, "seed": 1})
    write(simulate(spec, directory.name), directory)
    run = load(directory)
    begun = perf_counter()
    path = report.write(evaluate(run), directory)
    written_s = perf_counter() - begun
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    marks: dict[str, Any] = page.evaluate(
        "Object.fromEntries(['paint', 'mark'].flatMap((type) => performance.getEntriesByType(type))"
        ".map(({ name, startTime }) => [name, startTime]))"
    )
    redraws = page.evaluate(REDRAWS, SHARES)
    page.close()
    return Measured(
        events=run.events.height,
        size_mb=path.stat().st_size / 1e6,
        written_s=written_s,
        first_paint_ms=marks["first-contentful-paint"],
        diagram_ms=marks["diagram"],
        redraws_ms=redraws,
    )


def _print(name: str, measured: Measured) -> None:
    print(
        f"{name} ({measured.events:,}): {measured.size_mb:.2f} MB, written in"
        f" {measured.written_s:.1f} s; first paint {measured.first_paint_ms:.0f} ms,"
        f" diagram {measured.diagram_ms:.0f} ms"
    )
    for share, (median, high) in measured.redraws_ms.items():
        print(f"  redraw of {float(share):.1%} of it: {median:.1f} ms, 95 % under {high:.1f} ms")
