"""The first record of a log, and the spec that all first records of a run tell of."""

from collections.abc import Mapping

from vm import __version__
from vm.records import Start
from vm.spec import Spec


def start_of(spec: Spec, machine: str, run: str, epoch_unix_ns: int) -> Start:
    """The start record of one machine of a run."""
    plain = spec.plain()
    return Start(
        machine=machine,
        machines=spec.machines,
        run=run,
        seed=spec.seed,
        tick_rate_hz=spec.tick_rate_hz(machine),
        clocks=spec.clocks,
        epoch_unix_ns=epoch_unix_ns,
        version=__version__,
        duration_s=spec.duration_s,
        workload=spec.workload,
        latency=plain["latency"],
        fifo=spec.fifo,
        faults=tuple(plain["faults"]),
        tick_rates_hz=spec.resolved().tick_rates_hz,
    )


def spec_of(starts: Mapping[str, Start]) -> Spec:
    """What the machines were told, by their own account; SpecError if it cannot have been.

    There is at least one start. Where they disagree the first one counts; each knows its own
    tick rate best.
    """
    start = next(iter(starts.values()))
    rates_hz = dict(start.tick_rates_hz) | {name: s.tick_rate_hz for name, s in starts.items()}
    said = {
        "machines": start.machines,
        "duration_s": start.duration_s,
        "ticks": (min(rates_hz.values()), max(rates_hz.values())),
        "tick_rates_hz": rates_hz,
        "workload": start.workload and vars(start.workload),
        "clocks": start.clocks,
        "seed": start.seed,
        "latency": start.latency,
        "fifo": start.fifo,
        "faults": start.faults,
    }
    return Spec.parse(said)
