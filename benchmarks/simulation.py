"""How many events does a core simulate per second, compared with the same model in SimPy?

Both produce the same events and hold them in memory.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks import simpy_model
from orchestrator.backends.outcome import RunOutcome
from orchestrator.backends.simulation import SimulatedRun
from orchestrator.virtual.simulation import simulate
from vm.records import Event
from vm.spec import Spec

#: The simulated specs, by name.
CASES = {
    "100 runs of 60 s": [Spec(seed=seed) for seed in range(100)],
    "one run of 10,000 s": [Spec(duration_s=10_000, seed=7)],
    "50 machines, 60 s": [Spec.parse({"machines": 50, "seed": 7})],
    "vector clocks, 10,000 s": [Spec(duration_s=10_000, clocks=("vector",), seed=7)],
}
ROUNDS = 3
RUNS_WRITTEN = 100

Simulate = Callable[[Spec], dict[str, list[Event]]]


def main() -> None:
    print(f"{'events/s and core':<25} {'events':>8} {'vklocks':>9} {'SimPy':>9} {'ratio':>6}")
    for name, specs in CASES.items():
        histories = [ours(spec) for spec in specs]
        assert histories == [simpy_model.simulate(spec) for spec in specs], name
        events = sum(len(log) for history in histories for log in history.values())
        del histories
        # Alternate the two, so that other load affects both.
        times_s = [
            (_time_s(ours, specs), _time_s(simpy_model.simulate, specs)) for _ in range(ROUNDS)
        ]
        ours_s, simpy_s = (min(column) for column in zip(*times_s, strict=True))
        print(
            f"{name:<25} {events:>8,} {events / ours_s:>9,.0f} {events / simpy_s:>9,.0f}"
            f" {simpy_s / ours_s:>6.2f}",
            flush=True,
        )
    print(f"a run of 60 s with its logs written: {_written_ms():.1f} ms")


def ours(spec: Spec) -> dict[str, list[Event]]:
    return {
        name: [record for record in records if isinstance(record, Event)]
        for name, records in simulate(spec, "benchmark").items()
    }


def _time_s(simulate: Simulate, specs: list[Spec]) -> float:
    begun_s = process_time()
    for spec in specs:
        simulate(spec)
    return process_time() - begun_s


def _written_ms() -> float:
    """Return the time of a run that writes its logs, without spec.json and run.json."""
    begun_s = process_time()
    for seed in range(RUNS_WRITTEN):
        with TemporaryDirectory() as directory:
            backend = SimulatedRun(Spec(seed=seed), "benchmark")
            backend.execute(Path(directory), RunOutcome(), lambda phase: None)
    return (process_time() - begun_s) * 1000 / RUNS_WRITTEN


if __name__ == "__main__":
    main()
