"""The checks of `vklocks doctor`: engine, clock, cores, disks and image."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal, NamedTuple

import docker

from orchestrator.backends.docker import clock, image
from orchestrator.backends.docker.address import chosen
from orchestrator.backends.docker.engine import labels
from vm.quoting import counted
from vm.schedule import SECOND_NS

MIN_FREE_BYTES = 500 * 1024**2
MAX_CLOCK_DIFFERENCE_S = 2
#: Prints the free bytes of the disk that holds the layers of images.
FREE_BYTES = "import shutil; print(shutil.disk_usage('/').free)"


State = Literal["ok", "warning", "missing"]


class Finding(NamedTuple):
    """One line of `vklocks doctor`."""

    subject: str
    state: State
    text: str


def findings_without_engine(out: Path) -> Iterator[Finding]:
    """Check this computer for runs in the folder `out`."""
    there = _existing(out)
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        text = f"{there} cannot be written ({error.strerror}): give another --out"
        yield Finding("folder for runs", "missing", text)
    else:
        yield Finding("folder for runs", "ok", f"{there} can be written")
    yield _disk("disk for runs", out)


def findings(client: docker.DockerClient) -> Iterator[Finding]:
    """Check the engine and its image."""
    info, address = client.info(), chosen()
    text = f"Docker {info['ServerVersion']} on {info['Architecture']} at {address}"
    yield Finding("engine", "ok", text)
    yield _clock(client)
    text = f"{counted(info['NCPU'], 'core')} and {info['MemTotal'] / 1024**3:.1f} GiB of memory"
    remedy = "ticks may come late where machines share one core"
    yield _finding("cores", info["NCPU"] >= 2, text, "warning", remedy)
    found = image.find(client, image.reference())
    yield _disk_of_engine(client, found, info["DockerRootDir"])
    there = "exists and fits the sources" if found else "does not exist; the next run builds it"
    yield Finding("image", "ok", f"{image.reference()} {there}")


def _clock(client: docker.DockerClient) -> Finding:
    found = clock.difference(client)
    ahead_s = found.ahead_ns / SECOND_NS
    direction = "ahead of" if ahead_s >= 0 else "behind"
    bound = f"±{found.bound_ns / SECOND_NS:.3f} s"
    text = f"the engine's is {abs(ahead_s):.3f} s {direction} this computer's ({bound})"
    is_set = abs(ahead_s) <= MAX_CLOCK_DIFFERENCE_S
    remedy = "runs allow for it, but their logs have the engine's time"
    return _finding("clock", is_set, text, "warning", remedy)


def _disk_of_engine(client: docker.DockerClient, found: str | None, folder: str) -> Finding:
    """Check the engine's disk from a container, as it may be the disk of another computer."""
    subject = "disk of the engine"
    if not found:
        return Finding(subject, "ok", f"not known for {folder}, as it is measured in the image")
    measured = client.containers.run(
        found,
        ["-c", FREE_BYTES],
        entrypoint="python",
        remove=True,
        labels=labels("doctor"),
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
    )
    return _free(subject, int(measured), folder)


def _finding(subject: str, is_fine: bool, text: str, otherwise: State, remedy: str) -> Finding:
    if is_fine:
        return Finding(subject, "ok", text)
    return Finding(subject, otherwise, f"{text}: {remedy}")


def _disk(subject: str, folder: Path) -> Finding:
    return _free(subject, shutil.disk_usage(_existing(folder)).free, folder)


def _free(subject: str, free: int, folder: Path | str) -> Finding:
    text = f"{free / 1024**3:.1f} GiB free at {folder}"
    remedy = "make room, `docker system prune` may help"
    return _finding(subject, free >= MIN_FREE_BYTES, text, "missing", remedy)


def _existing(folder: Path) -> Path:
    """Return the folder, or the innermost existing one around it."""
    return next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
