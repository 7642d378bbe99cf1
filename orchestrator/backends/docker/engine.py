"""The Docker engine: getting to it, what it must offer, and what dead owners left in it."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any, Literal, NamedTuple

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from orchestrator import owner
from orchestrator.backends.outcome import EnvironmentProblem

RUN_LABEL = "vklocks"
OWNER_LABEL = "vklocks.owner"
#: When the owner began, for whoever gets its process id after it.
BEGUN_LABEL = "vklocks.owner.begun"
#: Longer than the SDK's own 60 s: a busy engine takes its time.
REQUEST_LIMIT_S = 180
MIN_FREE_BYTES = 500 * 1024**2
MAX_CLOCK_DIFFERENCE_S = 2


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """A client of one's own, since the SDK's are not safe across threads.

    EnvironmentProblem if no engine answers, at first or later.
    """
    client = None
    try:
        client = docker.from_env(timeout=REQUEST_LIMIT_S)
        client.ping()
        yield client
    except APIError as error:
        raise EnvironmentProblem(f"the Docker engine refuses: {error.explanation}") from error
    except (DockerException, RequestException) as error:
        raise EnvironmentProblem(
            f"no Docker engine answers at {_address()} ({_innermost(error)}): start it, and see"
            " that you may use it; `vklocks doctor` tells more"
        ) from error
    finally:
        if client is not None:
            client.close()


def _address() -> str:
    return os.environ.get("DOCKER_HOST", "the default address")


def _innermost(error: BaseException) -> str:
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def labels(run: str) -> dict[str, str]:
    """What everything of a run carries in the engine."""
    return {RUN_LABEL: run, OWNER_LABEL: owner.me(), BEGUN_LABEL: owner.begun(os.getpid())}


def if_there(act: Callable[[], object]) -> None:
    """Do something to a thing of the engine that may have ended, or be gone, meanwhile."""
    try:
        act()
    except NotFound:
        pass
    except APIError as error:
        # Already ended, or already being removed: what was asked for is so or will be.
        if error.status_code != 409:
            raise


class Leftover(NamedTuple):
    """Something of ours in the engine: what it is, its name, and its labels."""

    what: Literal["container", "network", "volume"]
    name: str
    labels: dict[str, str]
    remove: Callable[[], object]

    @property
    def owner(self) -> str:
        return self.labels.get(OWNER_LABEL, "")

    def is_abandoned(self) -> bool:
        return owner.is_dead(self.owner, self.labels.get(BEGUN_LABEL, ""))


def leftovers(client: docker.DockerClient) -> list[Leftover]:
    """All that carries the run label, whoever owns it, in an order in which it can be removed."""
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
    """Remove what dead owners left behind, one thing after the other."""
    for left in leftovers(client):
        if left.is_abandoned():
            # Somebody else may be removing it just now.
            with suppress(NotFound):
                left.remove()
                yield left


def _remover(container: Any) -> Callable[[], object]:
    return lambda: container.remove(force=True)


class Finding(NamedTuple):
    """One line of `vklocks doctor`."""

    subject: str
    state: Literal["ok", "warning", "missing"]
    text: str


def examine(client: docker.DockerClient, out: Path) -> Iterator[Finding]:
    """Whether the engine and this computer will do for runs that go to the folder `out`."""
    info, version = client.info(), client.version()
    yield Finding("engine", "ok", f"Docker {version['Version']} on {platform.machine()}")
    difference_s = abs(_unix_s(info["SystemTime"]) - time())
    yield Finding(
        "clock",
        "ok" if difference_s <= MAX_CLOCK_DIFFERENCE_S else "warning",
        f"engine and this computer differ by {difference_s:.1f} s"
        + ("" if difference_s <= MAX_CLOCK_DIFFERENCE_S else ": set the engine's clock right"),
    )
    yield Finding(
        "cores",
        "ok" if info["NCPU"] >= 2 else "warning",
        f"{info['NCPU']} cores and {info['MemTotal'] / 1024**3:.1f} GiB of memory"
        + ("" if info["NCPU"] >= 2 else ": ticks may come late where machines share one core"),
    )
    yield _disk("disk for runs", out)
    yield _disk("disk of the engine", Path(info["DockerRootDir"]))


def _disk(subject: str, folder: Path) -> Finding:
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < MIN_FREE_BYTES:
        return Finding(subject, "missing", f"{text}: make room, `docker system prune` may help")
    return Finding(subject, "ok", text)


def _unix_s(timestamp: str) -> float:
    # The engine writes nanoseconds; microseconds are what Python reads.
    whole, _, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00").timestamp()
