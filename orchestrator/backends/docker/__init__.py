"""The backend `containers`: one container per machine.

The Docker SDK is imported when a run is prepared or created.
"""

from collections.abc import Sequence

from orchestrator.backends.backend import Backend, BackendRun, Report
from orchestrator.backends.wall_clock import WallClockRun, max_rates_hz, sustainable_jobs
from vm.spec import Spec

#: Runs with faster machines execute alone: while the engine starts or removes the containers of
#: another run, ticks are up to 0.1 s late, and at 60 Hz some are missed.
MAX_SHARED_RATE_HZ = 30


def _create(spec: Spec, run: str) -> BackendRun:
    from orchestrator.backends.docker.cluster import containers

    return WallClockRun(spec, run, containers)


def _prepare(report: Report) -> None:
    """Remove the leftovers of killed runs, and build the image if it is out of date."""
    from orchestrator.backends.docker import engine, image

    with engine.connected() as client:
        for left in engine.remove_abandoned(client):
            report(f"removed {left.kind} {left.name} of a run that was killed")
        image.ensure(client, report)


def _jobs(specs: Sequence[Spec]) -> int:
    from orchestrator.backends.docker import engine

    with engine.connected() as client:
        return jobs_on(client.info()["NCPU"], specs)


def jobs_on(cores: int, specs: Sequence[Spec]) -> int:
    """Return the number of runs of these specs that an engine with these cores sustains."""
    fastest_hz = max(max(max_rates_hz(spec)) for spec in specs)
    return sustainable_jobs(specs, cores) if fastest_hz <= MAX_SHARED_RATE_HZ else 1


BACKEND = Backend(_create, _jobs, _prepare)
