"""The Docker engine: connecting to it, and removing the leftovers of dead owners."""

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
#: When the owner began, which tells it from a later process with the same id.
BEGUN_LABEL = "vklocks.owner.begun"
#: Longer than the SDK's own 60 s: a busy engine takes its time.
REQUEST_LIMIT_S = 180


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Connect a new client, since the SDK's are not safe across threads.

    EnvironmentProblem if no engine answers, at first or later.
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
            " check that you may use it; `vklocks doctor` reports more"
        ) from error
    finally:
        if client is not None:
            client.close()


def version() -> Mapping[str, Any]:
    """Return the engine's versions."""
    return _version_at(_address())


@cache
def _version_at(_address: str) -> Mapping[str, Any]:
    # Once: the engine starts two programs to find out.
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
    """Return the labels of everything that a run makes in the engine."""
    return {RUN_LABEL: run, OWNER_LABEL: owner.me(), BEGUN_LABEL: owner.begun(os.getpid())}


def if_there(act: Callable[[], object]) -> None:
    """Act on a thing of the engine, unless it has ended or is gone meanwhile."""
    try:
        act()
    except NotFound:
        pass
    except APIError as error:
        # Already ended, or already being removed.
        if error.status_code != 409:
            raise


class Leftover(NamedTuple):
    """A thing of ours in the engine."""

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
    """Return everything with the run label, of any owner, in an order that permits removal."""
    ours: dict[str, str | list[str] | bool] = {"label": RUN_LABEL}
    return [
        *(
            Leftover("container", c.name or c.id or "", c.labels, _remover(c))
            for c in client.containers.list(all=True, filters=ours)
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
    """Remove the leftovers of dead owners, and yield each one."""
    for left in leftovers(client):
        if left.is_abandoned():
            # Another process may be removing it just now.
            with suppress(NotFound):
                left.remove()
                yield left


def _remover(container: Any) -> Callable[[], object]:
    return lambda: container.remove(force=True)
