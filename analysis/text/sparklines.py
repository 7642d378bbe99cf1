"""Sparklines: metrics over time as lines of characters, one per interval of the run.

A character's height is the highest value in its interval, from 0 to the peak named above the
lines; a blank is an interval without a value. So colours are not needed, and no peak is lost.
"""

from collections.abc import Iterator

import polars as pl
from rich.console import Console
from rich.text import Text

from analysis.history.run import Run
from analysis.metrics.events import NS_PER_S, prepare
from analysis.metrics.run import skews
from vm.quoting import plain

BLOCKS = "▁▂▃▄▅▆▇█"
#: For terminals without blocks.
ASCII = ".:-=+*%#"
MIN_WIDTH, MAX_WIDTH = 10, 60
#: Lines of more machines would scroll the tables above out of sight.
MAX_MACHINES = 8


def print_sparklines(run: Run, console: Console) -> None:
    """Print each machine's queue and jumps, and the skew of the clocks, one line each."""
    last_ns = run.events["at_ns"].max()
    if not isinstance(last_ns, int) or last_ns <= 0 or len(run.machines) > MAX_MACHINES:
        return
    name_width = max(len(plain(name)) for name in ("all", *run.machines))
    width = max(MIN_WIDTH, min(MAX_WIDTH, console.width - name_width - 1))
    step_ns = last_ns // width + 1
    blocks = BLOCKS if console.encoding.lower().startswith("utf") else ASCII
    console.print(Text(f"\nover time, one character per {step_ns / NS_PER_S:.2g} s"))
    for what, readings in _readings(run).items():
        if not readings.is_empty():
            console.print(Text(f"{what}, up to {_peak(readings)}"))
            for name, line in sparklines(readings, step_ns, width, blocks):
                text = f"{plain(name).ljust(name_width)} {line}".rstrip()
                console.print(Text(text, no_wrap=True, overflow="ignore"), crop=False)
    console.print()


def sparklines(
    readings: pl.DataFrame, step_ns: int, width: int, blocks: str = BLOCKS
) -> Iterator[tuple[str, str]]:
    """Yield each `machine` with a line of `width` characters, drawn from its values over time."""
    slot = (pl.col("at_ns").clip(0) // step_ns).alias("slot")
    highest = readings.group_by("machine", slot, maintain_order=True).agg(pl.col("value").max())
    peak = _peak(highest)
    for (machine,), rows in highest.group_by("machine", maintain_order=True):
        values = dict(rows.select("slot", "value").iter_rows())
        yield str(machine), "".join(_block(values.get(n), peak, blocks) for n in range(width))


def _peak(readings: pl.DataFrame) -> int:
    peak = readings["value"].max()
    assert isinstance(peak, int)
    return peak


def _block(value: int | None, peak: int, blocks: str) -> str:
    if value is None:
        return " "
    share = max(0, value) / peak if peak > 0 else 0
    return blocks[min(len(blocks) - 1, int(share * len(blocks)))]


def _readings(run: Run) -> dict[str, pl.DataFrame]:
    """Return the values to draw, by heading: `machine`, `at_ns` and `value`."""
    readings = {
        "messages left in the inbox": run.events.select("machine", "at_ns", value="queue"),
        "jump of the clock": prepare(run).select("machine", "at_ns", value="jump"),
        "skew of the clocks": skews(run).select("at_ns", machine=pl.lit("all"), value="spread"),
    }
    return {what: frame.drop_nulls() for what, frame in readings.items()}
