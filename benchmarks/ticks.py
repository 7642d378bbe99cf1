"""How many ticks are done, and how late? Three containers, from the lab's rates to 1,000 Hz.

A tick is late by `at_ns - due_ns`. At 1,000 ticks per second, three machines need more than two
cores.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from analysis.logs.finding import load
from benchmarks.command import only_run, vklocks

#: Ticks per second and duration.
CASES = (("1-6", 60), ("200", 20), ("1000", 20))


def main() -> None:
    print(f"{'ticks/s':>8} {'due':>7} {'done':>9} {'late: median':>13} {'p99':>9} {'max':>9}")
    for ticks, duration_s in CASES:
        with TemporaryDirectory() as out:
            vklocks("run", "--ticks", ticks, "--duration", duration_s, "--seed", 7, "--out", out)
            run = load(only_run(Path(out)))
        done = run.events.height
        due = done + sum(stop.ticks_missed for stop in run.stops.values())
        late_ms = run.events.select((pl.col("at_ns") - pl.col("due_ns")) / 1e6).to_series()
        late = (late_ms.median(), late_ms.quantile(0.99), late_ms.max())
        print(
            f"{ticks:>8} {due:>7} {done / due:>9.3%} {late[0]:>10.3f} ms"
            f" {late[1]:>6.3f} ms {late[2]:>6.2f} ms",
            flush=True,
        )
