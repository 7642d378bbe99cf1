"""The checks of `vklocks doctor` for a swarm, if the engine manages one."""

from collections import Counter
from collections.abc import Iterator

import docker

from orchestrator.backends.docker.doctor import Finding
from orchestrator.backends.swarm.nodes import is_manager, nodes
from orchestrator.backends.swarm.removal import leftovers
from vm.quoting import counted


def findings_of_swarm(client: docker.DockerClient) -> Iterator[Finding]:
    """Check the nodes of the swarm, and look for what ended runs have left."""
    if not is_manager(client):
        return
    found = nodes(client)
    takers = [node for node in found if node.is_open]
    cores = counted(sum(node.cores for node in takers), "core")
    names = ", ".join(node.name for node in takers)
    text = f"{counted(len(takers), 'node')} with {cores} take machines: {names}"
    yield Finding("swarm", "ok" if takers else "warning", text if takers else "no node is ready")
    for node in found:
        if not node.is_open:
            state = "is drained or paused" if node.is_ready else "does not answer"
            yield Finding("swarm", "warning", f"{node.name} {state}: it takes no machines")
    left = Counter(one.kind for one in leftovers(client) if one.is_abandoned(is_shared=True))
    if left:
        text = ", ".join(counted(count, kind) for kind, count in left.items())
        yield Finding("swarm", "warning", f"{text} of ended runs: `vklocks clean` removes them")
