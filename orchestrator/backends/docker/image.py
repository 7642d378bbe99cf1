"""The machines' image, which is built if there is none for the present sources.

Its tag is a hash of its sources, so different checkouts have different images.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound

from orchestrator.backends.outcome import EnvironmentProblem

NAME = "vklocks-vm"
TARGET = "vm"
TAG_LENGTH = 12
CHECKOUT = Path(__file__).resolve().parents[3]
#: The files that the image is built from, or that decide how it is built.
SOURCES = ("Dockerfile", "requirements.lock", "vm")


def ensure(client: docker.DockerClient, report: Callable[[str], None]) -> str:
    """Return the id of the image of these sources; build it if there is none.

    If vklocks is installed without its sources, it uses the image that was built last.
    EnvironmentProblem if that is missing, or if the build fails.
    """
    if present := find(client, reference()):
        return present
    if not has_sources():
        raise EnvironmentProblem(
            f"there is no image {NAME}, and no sources to build it from: run vklocks from"
            " its checkout once"
        )
    report(f"building the image {NAME} ({'new sources' if find(client) else 'first time'}) ...")
    return _build(client)


def find(client: docker.DockerClient, name: str = NAME) -> str | None:
    """Return the id of an image, or None."""
    try:
        return client.images.get(name).id
    except ImageNotFound:
        return None


@cache
def reference() -> str:
    """Return the name of the image of these sources; without sources, of the one built last."""
    return f"{NAME}:{fingerprint(CHECKOUT)[:TAG_LENGTH]}" if has_sources() else NAME


def has_sources() -> bool:
    return (CHECKOUT / "Dockerfile").exists()


def fingerprint(checkout: Path) -> str:
    """Return a hash over the names and contents of all files that the image is built from."""
    digest = hashlib.sha256()
    for file in _files(checkout):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(checkout).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(checkout: Path) -> Iterator[Path]:
    for name in SOURCES:
        source = checkout / name
        found = sorted(source.rglob("*")) if source.is_dir() else [source]
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)


def _build(client: docker.DockerClient) -> str:
    try:
        image, _ = client.images.build(
            path=str(CHECKOUT),
            tag=reference(),
            target=TARGET,
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        output = "".join(str(line.get("stream", "")) for line in error.build_log).splitlines()
        last = "\n  ".join(line for line in output[-10:] if line.strip())
        raise EnvironmentProblem(f"the image could not be built: {error.msg}\n  {last}") from error
    except APIError as error:
        raise EnvironmentProblem(f"the image could not be built: {error.explanation}") from error
    assert image.id is not None
    image.tag(NAME)
    return image.id
