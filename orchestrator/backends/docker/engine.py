"""The Docker engine: connections, and the removal of leftovers of dead owners."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, Literal, NamedTuple

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from orchestrator import owner
from orchestrator.backends.outcome import EnvironmentProblem

RUN_LABEL = "vklocks"
OWNER_LABEL = "vklocks.owner"
#: The start time of the owner, which distinguishes it from a later process with the same id.
BEGUN_LABEL = "vklocks.owner.begun"
#: Longer than the SDK's default of 60 s, as a busy engine is slow.
REQUEST_LIMIT_S = 180


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Connect a new client, since the SDK's clients are not safe across threads.

    EnvironmentProblem if the engine does not answer, now or later.
    """
    client = None
    try:
        client = _client(version()["ApiVersion"])
        yield client
    except APIError as error:
        raise EnvironmentProblem(f"the Docker engine refuses: {error.explanation}") from error
    except (DockerException, RequestException) as error:
        raise EnvironmentProblem(
            f"no Docker engine answers at {_address()} ({_innermost(error)}): start it, and"
            " check that you may use it"
        ) from error
    finally:
        if client is not None:
            client.close()


def version() -> Mapping[str, Any]:
    """Return the engine's versions."""
    return _version_at(_address())


@cache
def _version_at(_address: str) -> Mapping[str, Any]:
    # Cached, as the engine starts two programs to find its versions.
    with closing(_client(DEFAULT_DOCKER_API_VERSION)) as client:
        answer: Mapping[str, Any] = client.api.version(api_version=False)
    return answer


def _client(api_version: str) -> docker.DockerClient:
    return docker.from_env(version=api_version, timeout=REQUEST_LIMIT_S)


def _address() -> str:
    return os.environ.get("DOCKER_HOST", "the default address")


def _innermost(error: BaseException) -> str:
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def labels(run: str) -> dict[str, str]:
    """Return the labels of all resources that a run creates in the engine."""
    return {RUN_LABEL: run, OWNER_LABEL: owner.me(), BEGUN_LABEL: owner.begun(os.getpid())}


def if_there(act: Callable[[], object]) -> None:
    """Act on a resource of the engine, unless it has ended or was removed meanwhile."""
    try:
        act()
    except NotFound:
        pass
    except APIError as error:
        # Already ended, or already being removed.
        if error.status_code != 409:
            raise


class Leftover(NamedTuple):
    """A resource of vklocks in the engine."""

    kind: Literal["container", "network", "volume"]
    name: str
    labels: dict[str, str]
    remove: Callable[[], object]

    @property
    def owner(self) -> str:
        return self.labels.get(OWNER_LABEL, "")

    def is_abandoned(self) -> bool:
        return owner.is_dead(self.owner, self.labels.get(BEGUN_LABEL, ""))


def leftovers(client: docker.DockerClient) -> list[Leftover]:
    """Return all resources with the run label, of any owner, in an order that permits removal."""
    ours: dict[str, str | list[str] | bool] = {"label": RUN_LABEL}
    return [
        *(
            Leftover("container", c.name or c.id or "", c.labels, _remover(c))
            # Another process may remove one between its listing and its inspection.
            for c in client.containers.list(all=True, filters=ours, ignore_removed=True)
        ),
        *(
            Leftover("network", n.name or n.id or "", n.attrs.get("Labels") or {}, n.remove)
            for n in client.networks.list(filters=ours)
        ),
        *(
            Leftover("volume", v.name, v.attrs.get("Labels") or {}, v.remove)
            for v in client.volumes.list(filters=ours)
        ),
    ]


def remove_abandoned(client: docker.DockerClient) -> Iterator[Leftover]:
    """Remove the leftovers of dead owners, and yield each."""
    for left in leftovers(client):
        if left.is_abandoned():
            # Another process may be removing it at the same time.
            with suppress(NotFound):
                left.remove()
                yield left


def _remover(container: Any) -> Callable[[], object]:
    return lambda: container.remove(force=True)
