"""Do simulation, processes and containers agree with each other and with the fluid model?

Each backend executes the same spec, with the same tick rates, many times. For every metric of
every machine, the means of two backends must differ by no more than chance: Student's confidence
interval of the difference contains 0, at a level corrected for the number of comparisons
(Bonferroni). If the backends are equal, one in twenty benchmarks fails.

The fluid model describes infinite runs. The start and the end of a real run have an effect of a
few messages (`analysis.metrics.theory`), so the model is compared with long simulated runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev, variance
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from analysis.metrics.student import t_quantile
from analysis.text.plain import read_metrics
from benchmarks.command import vklocks
from vklocks import experiment

#: Three machines; the slowest is saturated: 10 < (60 + 40 + 10) / 7.
RATES_HZ = {"vm1": 60, "vm2": 40, "vm3": 10}
METRICS = ("sends_per_s", "receives_per_s", "utilisation", "queue_growth_per_s", "jump_mean")
PREDICTED = METRICS[:4]
LONG_S = 1000
#: The effect of the start and the end of a run, in messages.
END_MESSAGES = 3
#: If a machine misses a larger fraction of its ticks, that alone makes its jumps larger.
MAX_MISSED = 0.01
#: The probability that equal backends are reported as different.
ERROR = 0.05

#: The values of a metric of a machine, one per run.
Sample = Mapping[tuple[str, str], Sequence[float]]


class Difference(NamedTuple):
    """The means of a machine's metric in two samples, and the difference allowed by chance."""

    machine: str
    metric: str
    here: float
    there: float
    allowed: float

    @property
    def is_explained(self) -> bool:
        return abs(self.here - self.there) <= self.allowed


def sample(backend: str, runs: int, duration_s: float, seed: int = 0) -> Sample:
    """Collect the metrics of runs, with seeds from `seed` on.

    Runs in which the computer stalled are reported and replaced. AssertionError if more than half
    of the runs stalled.
    """
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    executed, good = 0, 0
    while good < runs:
        assert executed < 2 * runs, (
            f"this computer stalls too often: {executed - good} of {executed}"
        )
        some = list(_execute(backend, runs - good, duration_s, seed + executed))
        executed += len(some)
        for machines in some:
            if any(machine["ticks_missed"] > MAX_MISSED * _due(machine) for machine in machines):
                print(f"a run on {backend} left out: the computer stalled", flush=True)
                continue
            good += 1
            for machine in machines:
                for metric in (*METRICS, *(f"predicted_{name}" for name in PREDICTED)):
                    found[machine["machine"], metric].append(machine[metric])
    return found


def _due(machine: Mapping[str, Any]) -> int:
    """Return the number of ticks that were due."""
    ticks: int = machine["ticks_done"] + machine["ticks_missed"]
    return ticks


def _execute(
    backend: str, runs: int, duration_s: float, seed: int
) -> Iterator[list[dict[str, Any]]]:
    """Execute runs; yield the metrics of all machines of each run."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "agreement.toml"
        rates = ", ".join(f"{machine} = {rate}" for machine, rate in RATES_HZ.items())
        file.write_text(
            f"tick_rates_hz = {{{rates}}}\nduration_s = {duration_s}\nseed = {seed}\n"
            f"repeat = {runs}\n"
        )
        out = Path(folder) / "runs"
        if backend == "simulation":
            vklocks("run", file, "--backend", backend, "--out", out, "--no-logs")
        else:
            # Draws no charts, which would take more time of the processor than the runs.
            experiment(file, backend=backend, out=out)
        for path in sorted(out.glob("*/*/run.json")):
            yield read_metrics(path.parent)["machines"]


def between(here: Sample, there: Sample, comparisons: int) -> Iterator[Difference]:
    """Compare every metric of two samples; `comparisons` is the number of all comparisons."""
    for machine in RATES_HZ:
        for metric in METRICS:
            a, b = here[machine, metric], there[machine, metric]
            width = _half_width(a, b, ERROR / comparisons)
            yield Difference(machine, metric, fmean(a), fmean(b), width)


def from_theory(long: Sample, duration_s: float) -> Iterator[Difference]:
    """Compare every predicted metric with long runs, which have this duration."""
    comparisons = len(RATES_HZ) * len(PREDICTED)
    for machine in RATES_HZ:
        for metric in PREDICTED:
            values, (predicted, *_) = long[machine, metric], long[machine, f"predicted_{metric}"]
            chance = t_quantile(1 - ERROR / comparisons / 2, len(values) - 1)
            width = chance * stdev(values) / sqrt(len(values))
            ends = END_MESSAGES / duration_s
            yield Difference(machine, metric, fmean(values), predicted, width + ends)


def comparisons(samples: Mapping[str, Sample]) -> dict[tuple[str, str], list[Difference]]:
    """Compare all metrics of every pair of backends."""
    pairs = list(combinations(samples, 2))
    count = len(pairs) * len(RATES_HZ) * len(METRICS)
    return {(a, b): list(between(samples[a], samples[b], count)) for a, b in pairs}


def _half_width(a: Sequence[float], b: Sequence[float], error: float) -> float:
    """Return half the confidence interval of a difference of means, with pooled variance.

    The variance is pooled because the few runs of one sample may contain no rare event and show
    no variance.
    """
    freedom = len(a) + len(b) - 2
    pooled = ((len(a) - 1) * variance(a) + (len(b) - 1) * variance(b)) / freedom
    return t_quantile(1 - error / 2, freedom) * sqrt(pooled * (1 / len(a) + 1 / len(b)))


def main() -> None:
    samples = {
        "simulation": sample("simulation", 1000, 20),
        "processes": sample("processes", 20, 20),
        "containers": sample("containers", 20, 20),
    }
    long = sample("simulation", 100, LONG_S)
    print(f"rates {RATES_HZ}; means over 1000 simulated and 20 real runs of 20 s;")
    print(f"the model beside 100 simulated runs of {LONG_S} s\n")
    head = ("machine", "metric", *samples, f"{LONG_S} s", "model")
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    model = {(d.machine, d.metric): d for d in from_theory(long, LONG_S)}
    for machine in RATES_HZ:
        for metric in METRICS:
            means = [fmean(one[machine, metric]) for one in samples.values()]
            means.append(fmean(long[machine, metric]))
            predicted = model.get((machine, metric))
            texts = [f"{mean:.3f}" for mean in means]
            texts.append(f"{predicted.there:.3f}" if predicted else "")
            print("| " + " | ".join((machine, metric, *texts)) + " |")
    found = {**comparisons(samples), (f"{LONG_S} s", "model"): list(model.values())}
    for (here, there), differences in found.items():
        unexplained = [one for one in differences if not one.is_explained]
        print(f"\n{here} and {there}: {len(differences) - len(unexplained)} of {len(differences)}")
        for one in unexplained:
            print(f"  {one}")


if __name__ == "__main__":
    main()
