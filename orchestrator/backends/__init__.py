"""The backends, by their names for `--backend`.

Importing this package imports no SDK: a backend that needs one imports it when it creates a run.
"""

from orchestrator.backends import docker, processes, simulation, swarm
from orchestrator.backends.backend import Backend

BACKENDS: dict[str, Backend] = {
    "containers": docker.BACKEND,
    "processes": processes.BACKEND,
    "simulation": simulation.BACKEND,
    "swarm": swarm.BACKEND,
}
