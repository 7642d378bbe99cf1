"""The machines' image: built when it is missing or older than the sources."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound

from orchestrator.backends.outcome import EnvironmentProblem

NAME = "vklocks-vm"
TARGET = "vm"
SOURCES_LABEL = "vklocks.sources"
CHECKOUT = Path(__file__).resolve().parents[3]
#: The files that the image is built from, or that decide how it is built.
SOURCES = ("Dockerfile", "requirements.lock", "vm")


def ensure(client: docker.DockerClient, report: Callable[[str], None]) -> str:
    """Return the id of an image that fits the sources; build it if there is none.

    Installed without its sources, vklocks takes the present image. EnvironmentProblem if that is
    missing, or if the build fails.
    """
    present = find(client)
    if not has_sources():
        if present is None:
            raise EnvironmentProblem(
                f"there is no image {NAME}, and no sources to build it from: run vklocks from"
                " its checkout once"
            )
        return present[0]
    sources = fingerprint(CHECKOUT)
    if present and present[1] == sources:
        return present[0]
    report(f"building the image {NAME} ({'sources changed' if present else 'first time'}) ...")
    return _build(client, sources)


def find(client: docker.DockerClient) -> tuple[str, str] | None:
    """Return id and source fingerprint of the present image, or None."""
    try:
        image = client.images.get(NAME)
    except ImageNotFound:
        return None
    assert image.id is not None
    return image.id, image.labels.get(SOURCES_LABEL, "")


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


def _build(client: docker.DockerClient, sources: str) -> str:
    try:
        image, _ = client.images.build(
            path=str(CHECKOUT),
            tag=NAME,
            target=TARGET,
            rm=True,
            labels={SOURCES_LABEL: sources},
        )
    except BuildError as error:
        output = "".join(str(line.get("stream", "")) for line in error.build_log).splitlines()
        last = "\n  ".join(line for line in output[-10:] if line.strip())
        raise EnvironmentProblem(f"the image could not be built: {error.msg}\n  {last}") from error
    except APIError as error:
        raise EnvironmentProblem(f"the image could not be built: {error.explanation}") from error
    assert image.id is not None
    return image.id
