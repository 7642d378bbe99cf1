"""How much time and memory does a verdict on ten million events take?

For each row, a new process loads a run and checks it: both clock conditions over all pairs, the
accounting, the order of the channels, and every other check. The first row loads JSON lines, the
second the Parquet cache that the first one wrote.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.checks.repetition import MAX_EVENTS
from benchmarks import mined, text
from benchmarks.history import write

EVENTS = 10_000_000
TEXT_EVENTS = 1_000_000
JUDGE = """
import json, resource, sys, time
begun_s = time.perf_counter()
from pathlib import Path
from analysis.evaluation import evaluate
from analysis.logs.finding import load
run = load(Path(sys.argv[1]))
loaded_s = time.perf_counter()
found = evaluate(run).verdict
assert not found.violations and not found.unchecked and not found.unknown, found
assert found.account.sent and not found.account.unaccounted
print(json.dumps({
    "load_s": loaded_s - begun_s,
    "verdict_s": time.perf_counter() - loaded_s,
    "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
}))
"""


LOAD = """
import json, sys, time
from pathlib import Path
from analysis.logs.finding import load
begun_s = time.perf_counter()
run = load(Path(sys.argv[1]))
took_s = time.perf_counter() - begun_s
assert run.events.filter(kind="receive")["cause"].null_count() == 0
print(json.dumps({"events": run.events.height, "load_s": took_s}))
"""
BY_LINE = """
import json, sys, time
from pathlib import Path
from benchmarks import text
begun_s = time.perf_counter()
events = text.{}(Path(sys.argv[1]))
print(json.dumps({{"events": events, "load_s": time.perf_counter() - begun_s}}))
"""
#: Readers of text logs: with every message matched to its send, and line by line.
READERS = {
    "as runs, messages matched": LOAD,
    "line by line, all of it": BY_LINE.format("read_by_line"),
    "line by line, the clocks": BY_LINE.format("read_clocks"),
}
ROUNDS = 3
#: From logs that no format describes to a verdict.
RECOGNISE = """
import json, resource, sys, time
from pathlib import Path
from analysis.evaluation import evaluate
from analysis.logs.finding import source_of
begun_s = time.perf_counter()
source = source_of(Path(sys.argv[1]))
recognised_s = time.perf_counter()
(run,) = source.load()
loaded_s = time.perf_counter()
found = evaluate(run).verdict
assert not found.violations and found.account.sent and not found.account.unaccounted
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "lines": run.events.height,
    "recognition_s": recognised_s - begun_s,
    "load_s": loaded_s - recognised_s,
    "verdict_s": time.perf_counter() - loaded_s,
    "processor_s": used.ru_utime + used.ru_stime,
    "memory_gb": used.ru_maxrss / 1e6,
}))
"""


def main() -> None:
    _from_logs_to_verdict()
    _text()
    _mined()


def _mined() -> None:
    with TemporaryDirectory() as folder:
        mined.write(Path(folder), TEXT_EVENTS)
        took = _measured(RECOGNISE, Path(folder))
    print(
        f"\n{took['lines']:,} lines of an unknown shape: recognition {took['recognition_s']:.1f} s,"
        f" loading {took['load_s']:.1f} s, verdict {took['verdict_s']:.1f} s,"
        f" {took['processor_s']:.1f} s of processor time in all, {took['memory_gb']:.1f} GB"
    )


def _text() -> None:
    """Alternate the readers, so that other load affects all of them."""
    best = dict.fromkeys(READERS, 0.0)
    with TemporaryDirectory() as folder:
        text.write(Path(folder), TEXT_EVENTS)
        for _ in range(ROUNDS):
            for name, program in READERS.items():
                took = _measured(program, Path(folder))
                best[name] = max(best[name], took["events"] / took["load_s"])
    print(f"\n{TEXT_EVENTS:,} events of vklocks text   events/s   ours is faster by")
    for name, rate in best.items():
        print(f"{name:>32} {rate:10,.0f} {best['as runs, messages matched'] / rate:10.1f}")


def _from_logs_to_verdict() -> None:
    with TemporaryDirectory() as folder:
        # Compiles the kernels. There are too many events for a replay, which would find that they
        # are not a machine's draws.
        _judge(_written(Path(folder) / "small", MAX_EVENTS + MAX_EVENTS // 10))
        directory = _written(Path(folder) / "big", EVENTS)
        print(f"{EVENTS:,} events from    load   verdict     total  memory")
        for source in ("JSON lines", "Parquet"):
            took = _judge(directory)
            total_s = took["load_s"] + took["verdict_s"]
            print(
                f"{source:>22} {took['load_s']:6.1f} s {took['verdict_s']:7.1f} s {total_s:7.1f} s"
                f" {took['memory_gb']:4.1f} GB",
                flush=True,
            )


def _written(directory: Path, events: int) -> Path:
    directory.mkdir()
    write(directory, events)
    return directory


def _judge(directory: Path) -> dict[str, float]:
    return _measured(JUDGE, directory)


def _measured(program: str, directory: Path) -> dict[str, float]:
    """Run a program on a directory in a new process; return its measurements."""
    command = [sys.executable, "-c", program, str(directory)]
    # A cache of its own: that of the user may hold the same logs from an earlier benchmark.
    env = os.environ | {"XDG_CACHE_HOME": str(directory.parent / "caches")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    took: dict[str, float] = json.loads(done.stdout)
    return took


if __name__ == "__main__":
    main()
