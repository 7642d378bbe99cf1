"""python -m benchmarks [NAME ...]: run some benchmarks, or all; each prints a table.

They need an idle computer. They are not tests: a slow result does not fail.
"""

import sys
from collections.abc import Callable

from benchmarks import agreement, analysis, clocks, pages, runs, scaling, simulation, sweeps, ticks


def main(names: list[str]) -> int:
    for name in names:
        if name not in BENCHMARKS:
            print(f"there is no benchmark {name}; there are {', '.join(BENCHMARKS)}")
            return 2
    for name in names or BENCHMARKS:
        print(f"== {name}", flush=True)
        BENCHMARKS[name]()
    return 0


BENCHMARKS: dict[str, Callable[[], None]] = {
    "ticks": ticks.main,
    "runs": runs.main,
    "analysis": analysis.main,
    "clocks": clocks.main,
    "simulation": simulation.main,
    "sweeps": sweeps.main,
    "agreement": agreement.main,
    "pages": pages.main,
    "scaling": scaling.main,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
