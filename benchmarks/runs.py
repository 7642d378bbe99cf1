"""How much longer than its duration does a run take, and in which phases?"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.command import vklocks

DURATION_S = 60
CASES = ((1, 1), (5, 5))


def main() -> None:
    # Build the image first, so that it is not measured.
    with TemporaryDirectory() as out:
        vklocks("run", "--duration", 1, "--out", out)
    for repeat, jobs in CASES:
        _measure(repeat, jobs)


def _measure(repeat: int, jobs: int) -> None:
    with TemporaryDirectory() as out:
        begun = monotonic()
        vklocks("run", "--duration", DURATION_S, "--repeat", repeat, "--jobs", jobs, "--out", out)
        wall_s = monotonic() - begun
        records = [json.loads(path.read_text()) for path in Path(out).glob("*/*/run.json")]
    print(
        f"{repeat} x {DURATION_S} s, {jobs} at a time: {wall_s:.2f} s of wall time,"
        f" {wall_s - DURATION_S:.2f} s beyond the duration"
    )
    phases_s: dict[str, list[float]] = defaultdict(list)
    for run in records:
        for phase, took_s in run["phases_s"].items():
            phases_s[phase].append(took_s)
    for phase, took_s in phases_s.items():
        print(f"  {phase:8} {mean(took_s):7.3f} s on average, {max(took_s):7.3f} s at most")
