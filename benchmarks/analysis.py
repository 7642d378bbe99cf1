"""From ten million events to a verdict: how long, and in how much memory?

Each row is a process of its own that loads a run and judges it: both clock conditions over all
pairs, the accounting, the order of the channels, and every other check. First from JSON
lines, which leaves Parquet behind; then from that.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.history import write

EVENTS = 10_000_000
JUDGE = """
import json, resource, sys, time
begun_s = time.perf_counter()
from pathlib import Path
from analysis.checks import verdict
from analysis.events import load
run = load(Path(sys.argv[1]))
loaded_s = time.perf_counter()
found = verdict(run)
assert not found.violations and not found.unchecked and not found.unknown, found
assert found.account.sent and not found.account.unaccounted
print(json.dumps({
    "load_s": loaded_s - begun_s,
    "verdict_s": time.perf_counter() - loaded_s,
    "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
}))
"""


def main() -> None:
    with TemporaryDirectory() as folder:
        _judge(_written(Path(folder) / "small", 200_000))  # lets Numba compile what it has not yet
        directory = _written(Path(folder) / "big", EVENTS)
        print(f"{EVENTS:,} events from    load   verdict     total  memory")
        for what in ("JSON lines", "Parquet"):
            took = _judge(directory)
            total_s = took["load_s"] + took["verdict_s"]
            print(
                f"{what:>22} {took['load_s']:6.1f} s {took['verdict_s']:7.1f} s {total_s:7.1f} s"
                f" {took['memory_gb']:4.1f} GB",
                flush=True,
            )


def _written(directory: Path, events: int) -> Path:
    directory.mkdir()
    write(directory, events)
    return directory


def _judge(directory: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(directory)], check=True, capture_output=True, text=True
    )
    took: dict[str, float] = json.loads(done.stdout)
    return took


if __name__ == "__main__":
    main()
