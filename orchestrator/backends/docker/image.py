"""The machines' image, which is built if there is none for the present sources.

Its tag is a hash of its sources, so different versions have different images. The sources are those
of the checkout; a wheel contains copies of them (setup.py).
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound

import vm
from orchestrator.backends.outcome import EnvironmentProblem

NAME = "vklocks-vm"
TARGET = "vm"
TAG_LENGTH = 12
#: The files that the image is built from, beside the package `vm`, and their folders.
RECIPE = ("Dockerfile", "requirements.lock")
INSTALLED, CHECKOUT = Path(__file__).parent, Path(__file__).resolve().parents[3]


def ensure(client: docker.DockerClient, report: Callable[[str], None]) -> str:
    """Return the id of the image of these sources; build it if there is none.

    EnvironmentProblem if the build fails.
    """
    if present := find(client, reference()):
        return present
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
    """Return the name of the image of these sources."""
    return f"{NAME}:{fingerprint(sources())[:TAG_LENGTH]}"


def sources() -> dict[str, bytes]:
    """Return the contents of all files that the image is built from, by their names."""
    recipe = INSTALLED if (INSTALLED / RECIPE[0]).exists() else CHECKOUT
    return read(recipe, Path(vm.__file__).parent)


def read(recipe: Path, package: Path) -> dict[str, bytes]:
    """Return the contents of the files in RECIPE, and of the package `vm`, by their names."""
    files = {name: recipe / name for name in RECIPE}
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            files[f"vm/{file.relative_to(package).as_posix()}"] = file
    return {name: file.read_bytes() for name, file in files.items()}


def fingerprint(contents: Mapping[str, bytes]) -> str:
    """Return a hash over the names and contents of files."""
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _build(client: docker.DockerClient) -> str:
    try:
        image, _ = client.images.build(
            fileobj=_archive(sources()),
            custom_context=True,
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


def _archive(contents: Mapping[str, bytes]) -> io.BytesIO:
    """Return files as a tar archive, all readable by the machines' user."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed.seek(0)
    return packed
