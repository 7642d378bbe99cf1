"""The Docker engine: connections, and the removal of leftovers of dead owners."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from typing import Any, Literal, NamedTuple

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from orchestrator import owner
from orchestrator.backends.docker import tunnel
from orchestrator.backends.docker.address import Address, chosen
from orchestrator.backends.outcome import EnvironmentProblem

RUN_LABEL = "vklocks"
OWNER_LABEL = "vklocks.owner"
#: The start time of the owner, which distinguishes it from a later process with the same id.
BEGUN_LABEL = "vklocks.owner.begun"
#: The computer of the owner, as computers that share an engine can have the same name.
PLACE_LABEL = "vklocks.owner.place"
#: In the engine's refusal to remove a network.
ATTACHED = "has active endpoints"
#: Longer than the SDK's default of 60 s, as a busy engine is slow.
REQUEST_LIMIT_S = 180
#: The limit of the first request, which fails if nothing answers at the address.
CONNECT_LIMIT_S = 30
#: Errors of a broken connection; the second one while an answer is read piece by piece.
BROKEN = (RequestException, HTTPError)


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Connect a new client, since the SDK's clients are not safe across threads.

    EnvironmentProblem if the engine does not answer, now or later.
    """
    client, address = None, chosen()
    try:
        client = _client(address, _version_at(address)["ApiVersion"], REQUEST_LIMIT_S)
        yield client
    except APIError as error:
        raise EnvironmentProblem(
            f"the Docker engine at {address} refuses: {error.explanation or error}"
        ) from error
    except (DockerException, *BROKEN) as error:
        raise EnvironmentProblem(
            f"no Docker engine answers at {address} ({_cause(error, address)}): start it,"
            f" {_remedy(address)}"
        ) from error
    finally:
        if client is not None:
            client.close()


def version() -> Mapping[str, Any]:
    """Return the engine's versions."""
    return _version_at(chosen())


@cache
def _version_at(address: Address) -> Mapping[str, Any]:
    # Cached, as the engine starts two programs to find its versions.
    with closing(_client(address, DEFAULT_DOCKER_API_VERSION, CONNECT_LIMIT_S)) as client:
        answer: Mapping[str, Any] = client.api.version(api_version=False)
    return answer


def _client(address: Address, api_version: str, timeout_s: int) -> docker.DockerClient:
    url = tunnel.to(address.url).socket if address.is_ssh else address.url
    tls = address.tls
    client = docker.DockerClient(url, api_version, timeout_s, tls=tls or False)
    if tls and tls.ca_cert:
        # Otherwise REQUESTS_CA_BUNDLE would take the place of the engine's own authority.
        client.api.trust_env = False
    return client


def _remedy(address: Address) -> str:
    if not address.setting:
        return "and check that you may use it"
    return f"check that you may use it, or change {address.setting}"


def _cause(error: BaseException, address: Address) -> str:
    complaint = tunnel.complaint(address.url)
    return f"{_innermost(error)}; ssh: {complaint}" if complaint else _innermost(error)


def _innermost(error: BaseException) -> str:
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def labels(run: str) -> dict[str, str]:
    """Return the labels of all resources that a run creates in the engine."""
    return {RUN_LABEL: run} | owner_labels()


def owner_labels() -> dict[str, str]:
    """Return the labels that name this process as the owner of a resource."""
    return {
        OWNER_LABEL: owner.me(),
        BEGUN_LABEL: owner.begun(os.getpid()),
        PLACE_LABEL: owner.place(),
    }


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

    kind: Literal["container", "network", "volume", "service", "secret"]
    name: str
    labels: dict[str, str]
    remove: Callable[[], object]

    @property
    def owner(self) -> str:
        return self.labels.get(OWNER_LABEL, "")

    def is_abandoned(self, is_shared: bool) -> bool:
        """Return whether the owner is dead.

        A shared engine may hold resources of computers with the same name; in any other, owners of
        another place are those from before the computer was restarted.
        """
        is_ours = owner.place() != "" and owner.place() == self.labels.get(PLACE_LABEL)
        if is_shared and not is_ours:
            return False
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
    is_shared = not chosen().is_local
    for left in leftovers(client):
        if left.is_abandoned(is_shared) and _removed(left):
            yield left


def _removed(left: Leftover) -> bool:
    """Remove a resource; return False if another process has just done so, or if containers of
    others are attached to it."""
    try:
        left.remove()
    except NotFound:
        return False
    except APIError as error:
        if ATTACHED not in str(error.explanation):
            raise
        return False
    return True


def _remover(container: Any) -> Callable[[], object]:
    return lambda: container.remove(force=True)
