"""The backend `swarm`: one service per machine, on the nodes of a Docker swarm.

The Docker SDK is imported when a run is prepared or created.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from orchestrator.backends.backend import Backend, BackendRun, Report
from orchestrator.backends.wall_clock import WallClockRun, max_rates_hz, sustainable_jobs
from vm.spec import Spec

#: As for containers: while nodes start or end other machines, ticks are late.
MAX_SHARED_RATE_HZ = 30


class Choices(NamedTuple):
    """The command's options for this backend.

    Without an `image`, machines have that of these sources. `place` has the nodes of machines, by
    name or ID.
    """

    image: str = ""
    place: Mapping[str, str] = {}
    encrypt: bool = False


NO_CHOICES = Choices()


def _create(spec: Spec, run: str, choices: Choices = NO_CHOICES) -> BackendRun:
    from orchestrator.backends.swarm.cluster import in_swarm

    return WallClockRun(spec, run, partial(in_swarm, choices=choices))


def _prepare(report: Report, choices: Choices = NO_CHOICES) -> None:
    """Remove the leftovers of killed runs, and get the image on the manager."""
    from orchestrator.backends.docker import engine, image
    from orchestrator.backends.swarm import images, nodes, removal

    with engine.connected() as client:
        nodes.check_manager(client)
        for left in removal.remove_abandoned(client):
            report(f"removed {left.kind} {left.name} of a run that was killed")
        if choices.image:
            images.pull(client, choices.image, report)
        else:
            image.ensure(client, report)


def _configure(options: Mapping[str, Any], specs: Sequence[Spec]) -> Backend:
    from orchestrator.backends.docker import engine
    from orchestrator.backends.swarm import nodes

    choices = Choices(**options)
    if choices.place:
        machines = list(dict.fromkeys(machine for spec in specs for machine in spec.machines))
        with engine.connected() as client:
            nodes.check_manager(client)
            nodes.check_places(choices.place, machines, nodes.nodes(client))
    create = partial(_create, choices=choices)
    return replace(BACKEND, create=create, prepare=partial(_prepare, choices=choices))


def _jobs(specs: Sequence[Spec]) -> int:
    from orchestrator.backends.docker import engine
    from orchestrator.backends.swarm import nodes

    if max(max(max_rates_hz(spec)) for spec in specs) > MAX_SHARED_RATE_HZ:
        return 1
    with engine.connected() as client:
        nodes.check_manager(client)
        cores = sum(node.cores for node in nodes.nodes(client) if node.is_open)
    return sustainable_jobs(specs, cores)


BACKEND = Backend(_create, _jobs, _prepare, options=Choices._fields, configure=_configure)
