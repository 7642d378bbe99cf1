"""The tasks of a run's services, as the manager lists them.

A swarm has no events of tasks, so they are listed again and again, all by one request.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from time import monotonic
from typing import Any, NamedTuple

import docker

from orchestrator.backends.swarm.nodes import lost_nodes

#: The time between two listings while machines tick, and while the run waits for nothing else.
WATCH_S = 0.25
POLL_S = 0.1
#: States of a task before its container runs.
EARLY = ("new", "pending", "assigned", "accepted", "preparing", "ready", "starting")
RUNNING, COMPLETE, FAILED, REJECTED = "running", "complete", "failed", "rejected"
ENDED = (COMPLETE, FAILED, REJECTED, "shutdown", "orphaned", "remove")


class ServiceTask(NamedTuple):
    """The task of a service; `problem` is why it cannot begin, or why it failed."""

    service: str
    node: str
    state: str
    exit_code: int | None
    problem: str

    @property
    def is_refused(self) -> bool:
        """Whether no node begins it: it lacks something, or no node fits."""
        return self.problem != "" and self.state in (*EARLY, REJECTED)


def listed(client: docker.DockerClient, filters: str) -> list[ServiceTask]:
    """Return the tasks with a label, also of removed services until their containers have ended."""
    api: Any = client.api
    found: list[dict[str, Any]] = api.tasks(filters={"label": filters})
    found.sort(key=lambda plain: plain["CreatedAt"], reverse=True)
    # A failed job may get one more task: the first one counts.
    return list({task.service: task for task in map(_task, found)}.values())


def _task(plain: dict[str, Any]) -> ServiceTask:
    status = plain["Status"]
    container = status.get("ContainerStatus") or {}
    state = status["State"]
    code = container.get("ExitCode", 0) if state in (COMPLETE, FAILED) else None
    node = plain.get("NodeID", "")
    return ServiceTask(plain["ServiceID"], node, state, code, status.get("Err", ""))


def polls(limit_s: float) -> Iterator[None]:
    """Yield at once, and every POLL_S until the limit."""
    never, deadline_s = threading.Event(), monotonic() + limit_s
    yield
    while not never.wait(POLL_S) and monotonic() < deadline_s:
        yield


def ended(
    client: docker.DockerClient, filters: str, services: Collection[str], limit_s: float
) -> Sequence[ServiceTask]:
    """Wait for the tasks of services; return those that have ended within the limit.

    Tasks on nodes that do not answer are not waited for.
    """
    done: list[ServiceTask] = []
    for _ in polls(limit_s):
        ours = [task for task in listed(client, filters) if task.service in services]
        done = [task for task in ours if task.state in ENDED]
        lost = lost_nodes(client) if len(done) < len(services) else set()
        if len(done) + sum(task.node in lost for task in ours if task not in done) == len(services):
            break
    return done
