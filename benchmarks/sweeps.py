"""How long does an experiment with 1,000 simulated runs take, with and without logs?"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.command import vklocks

RUNS = 1000
CASES = {"all logs written": (), "metrics only": ("--no-logs",)}


def main() -> None:
    for case, options in CASES.items():
        with TemporaryDirectory() as folder:
            file = Path(folder) / "experiment.toml"
            file.write_text(f"machines = 3\nduration_s = 60\nrepeat = {RUNS}\n")
            begun = monotonic()
            vklocks("run", file, "--backend", "simulation", "--out", folder, *options)
            wall_s = monotonic() - begun
        print(f"{RUNS} x 60 s, three machines, {case}: {wall_s:.1f} s", flush=True)
