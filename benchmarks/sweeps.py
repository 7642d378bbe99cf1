"""How long does a sweep of 1,000 simulated runs take, with all its logs and without?"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.command import vklocks

RUNS = 1000
CASES = {"all logs written": (), "figures only": ("--no-logs",)}


def main() -> None:
    for what, options in CASES.items():
        with TemporaryDirectory() as folder:
            file = Path(folder) / "sweep.toml"
            file.write_text(f"machines = 3\nduration_s = 60\nrepeat = {RUNS}\n")
            begun = monotonic()
            vklocks("run", file, "--backend", "simulation", "--out", folder, *options)
            wall_s = monotonic() - begun
        print(f"{RUNS} x 60 s, three machines, {what}: {wall_s:.1f} s", flush=True)
