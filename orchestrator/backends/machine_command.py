"""How a machine is told what it is: the arguments of `python -m vm`."""

import json
from collections.abc import Mapping
from pathlib import PurePath

from vm.spec import Spec

#: The fields of a spec that a machine has no option for.
OTHER_FIELDS = ("latency", "fifo", "faults")


def arguments(
    spec: Spec,
    machine: str,
    run: str,
    port: int,
    peers: Mapping[str, str],
    log: PurePath,
    startup_s: float,
) -> list[str]:
    """The arguments for one machine of a run; `peers` maps the others to their addresses."""
    low, high = spec.ticks
    weights, plain = spec.workload, spec.plain()
    options = {
        "--port": port,
        "--ticks": f"{low}-{high}",
        "--tick-rate": spec.tick_rate_hz(machine),
        "--duration": spec.duration_s,
        "--workload": f"{weights.one},{weights.all},{weights.internal}",
        "--clocks": ",".join(spec.clocks),
        "--seed": spec.seed,
        "--spec": json.dumps({field: plain[field] for field in OTHER_FIELDS}),
        "--run": run,
        "--log": log,
        "--startup": startup_s,
    }
    if peers:
        options["--peers"] = ",".join(f"{peer}={address}" for peer, address in peers.items())
    return [machine, *(str(word) for option in options.items() for word in option)]
