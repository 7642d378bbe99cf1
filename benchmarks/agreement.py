"""Do simulation, processes and containers agree, with each other and with the fluid model?

The same spec with the same tick rates is carried out many times by each backend. Of every figure
of every machine the means of two backends differ by no more than chance explains: Student's
confidence interval of the difference contains 0, at a level that counts how many differences
are looked at (Bonferroni), so that one in twenty such comparisons of equal things would fail.

The fluid model speaks of runs without an end. The two ends of a real one are worth a few messages
(`analysis.metrics.theory`), so it is compared with long simulated runs, where those matter little.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev, variance
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from scipy.special import stdtrit

from analysis.metrics.points import figures_of
from benchmarks.command import vklocks

#: Three machines, of which the slowest is saturated: 10 < (60 + 40 + 10) / 7.
RATES_HZ = {"vm1": 60, "vm2": 40, "vm3": 10}
FIGURES = ("sends_per_s", "receives_per_s", "utilisation", "queue_growth_per_s", "jump_mean")
PREDICTED = FIGURES[:4]
LONG_S = 1000
#: What the two ends of a run are worth, in messages.
END_MESSAGES = 3
#: A machine that misses more of its ticks than this share has larger jumps for no other reason.
MAX_MISSED = 0.01
#: How often an agreement of equal things would not be found.
ERROR = 0.05

#: The values of a figure of a machine, one a run.
Sample = Mapping[tuple[str, str], Sequence[float]]


class Difference(NamedTuple):
    """A figure of a machine, here and there, and by how much chance lets them differ."""

    machine: str
    figure: str
    here: float
    there: float
    allowed: float

    @property
    def is_explained(self) -> bool:
        return abs(self.here - self.there) <= self.allowed


def sample(backend: str, runs: int, duration_s: float, seed: int = 0) -> Sample:
    """The figures of so many runs, the first of which has the seed.

    A run in which the computer stalled is not one of this spec: another one takes its place, and
    it is told. AssertionError if that happens to as many as are wanted.
    """
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    carried, good = 0, 0
    while good < runs:
        assert carried < 2 * runs, f"this computer stalls too often: {carried - good} of {carried}"
        some = list(_carried_out(backend, runs - good, duration_s, seed + carried))
        carried += len(some)
        for machines in some:
            if any(machine["ticks_missed"] > MAX_MISSED * _due(machine) for machine in machines):
                print(f"a run on {backend} left out: the computer stalled", flush=True)
                continue
            good += 1
            for machine in machines:
                for figure in (*FIGURES, *(f"predicted_{name}" for name in PREDICTED)):
                    found[machine["machine"], figure].append(machine[figure])
    return found


def _due(machine: Mapping[str, Any]) -> int:
    """How many ticks were due."""
    ticks: int = machine["ticks_done"] + machine["ticks_missed"]
    return ticks


def _carried_out(
    backend: str, runs: int, duration_s: float, seed: int
) -> Iterator[list[dict[str, Any]]]:
    """The figures of the machines of each run."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "agreement.toml"
        rates = ", ".join(f"{machine} = {rate}" for machine, rate in RATES_HZ.items())
        file.write_text(f"tick_rates_hz = {{{rates}}}\nduration_s = {duration_s}\nseed = {seed}\n")
        out = Path(folder) / "runs"
        quick = ["--no-logs"] if backend == "simulation" else []
        vklocks("run", file, "--backend", backend, "--repeat", runs, "--out", out, *quick)
        for path in sorted(out.glob("*/*/run.json")):
            yield figures_of(path.parent)["machines"]


def between(here: Sample, there: Sample, comparisons: int) -> Iterator[Difference]:
    """Every figure of two samples, where so many comparisons are made in all."""
    for machine in RATES_HZ:
        for figure in FIGURES:
            a, b = here[machine, figure], there[machine, figure]
            width = _half_width(a, b, ERROR / comparisons)
            yield Difference(machine, figure, fmean(a), fmean(b), width)


def from_theory(long: Sample) -> Iterator[Difference]:
    """Every predicted figure of long runs."""
    comparisons = len(RATES_HZ) * len(PREDICTED)
    for machine in RATES_HZ:
        for figure in PREDICTED:
            values, (predicted, *_) = long[machine, figure], long[machine, f"predicted_{figure}"]
            chance = float(stdtrit(len(values) - 1, 1 - ERROR / comparisons / 2))
            width = chance * stdev(values) / sqrt(len(values))
            ends = END_MESSAGES / LONG_S
            yield Difference(machine, figure, fmean(values), predicted, width + ends)


def comparisons(samples: Mapping[str, Sample]) -> dict[tuple[str, str], list[Difference]]:
    """All figures, for every two of the backends."""
    pairs = list(combinations(samples, 2))
    count = len(pairs) * len(RATES_HZ) * len(FIGURES)
    return {(a, b): list(between(samples[a], samples[b], count)) for a, b in pairs}


def _half_width(a: Sequence[float], b: Sequence[float], error: float) -> float:
    """Of the confidence interval of a difference of means, by Student's t with pooled variance.

    Pooled, since equal things vary equally: in a few runs a rare message may never be left over.
    """
    freedom = len(a) + len(b) - 2
    pooled = ((len(a) - 1) * variance(a) + (len(b) - 1) * variance(b)) / freedom
    return float(stdtrit(freedom, 1 - error / 2)) * sqrt(pooled * (1 / len(a) + 1 / len(b)))


def main() -> None:
    samples = {
        "simulation": sample("simulation", 1000, 20),
        "processes": sample("processes", 20, 20),
        "containers": sample("containers", 20, 20),
    }
    long = sample("simulation", 100, LONG_S)
    print(f"rates {RATES_HZ}; means over 1000 simulated and 20 real runs of 20 s;")
    print(f"the model beside 100 simulated runs of {LONG_S} s\n")
    head = ("machine", "figure", *samples, f"{LONG_S} s", "model")
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    model = {(d.machine, d.figure): d for d in from_theory(long)}
    for machine in RATES_HZ:
        for figure in FIGURES:
            means = [fmean(one[machine, figure]) for one in samples.values()]
            means.append(fmean(long[machine, figure]))
            predicted = model.get((machine, figure))
            texts = [f"{mean:.3f}" for mean in means]
            texts.append(f"{predicted.there:.3f}" if predicted else "")
            print("| " + " | ".join((machine, figure, *texts)) + " |")
    found = {**comparisons(samples), (f"{LONG_S} s", "model"): list(model.values())}
    for (here, there), differences in found.items():
        unexplained = [one for one in differences if not one.is_explained]
        print(f"\n{here} and {there}: {len(differences) - len(unexplained)} of {len(differences)}")
        for one in unexplained:
            print(f"  {one}")


if __name__ == "__main__":
    main()
