"""The backend `containers`: every machine in a container of its own.

The Docker SDK is imported when a run is prepared or created.
"""

from orchestrator.backends.backend import Backend, BackendRun, Report
from orchestrator.backends.wall_clock import WallClockRun, sustainable_jobs
from vm.spec import Spec


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


BACKEND = Backend(_create, sustainable_jobs, _prepare)
