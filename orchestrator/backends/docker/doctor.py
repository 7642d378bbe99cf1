"""The checks of `vklocks doctor`: engine, clock, cores, disks and image."""

import platform
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from time import time
from typing import Literal, NamedTuple

import docker

from orchestrator.backends.docker import image
from vm.quoting import counted

MIN_FREE_BYTES = 500 * 1024**2
MAX_CLOCK_DIFFERENCE_S = 2


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
    info, version = client.info(), client.version()
    yield Finding("engine", "ok", f"Docker {version['Version']} on {platform.machine()}")
    difference_s = abs(_unix_s(info["SystemTime"]) - time())
    text = f"engine and this computer differ by {difference_s:.1f} s"
    is_set = difference_s <= MAX_CLOCK_DIFFERENCE_S
    yield _finding("clock", is_set, text, "warning", "correct the engine's clock")
    text = f"{counted(info['NCPU'], 'core')} and {info['MemTotal'] / 1024**3:.1f} GiB of memory"
    remedy = "ticks may come late where machines share one core"
    yield _finding("cores", info["NCPU"] >= 2, text, "warning", remedy)
    yield _disk("disk of the engine", Path(info["DockerRootDir"]))
    yield _image(client)


def _finding(subject: str, is_fine: bool, text: str, otherwise: State, remedy: str) -> Finding:
    if is_fine:
        return Finding(subject, "ok", text)
    return Finding(subject, otherwise, f"{text}: {remedy}")


def _disk(subject: str, folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    text = f"{free / 1024**3:.1f} GiB free at {folder}"
    remedy = "make room, `docker system prune` may help"
    return _finding(subject, free >= MIN_FREE_BYTES, text, "missing", remedy)


def _existing(folder: Path) -> Path:
    """Return the folder, or the innermost existing one around it."""
    return next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())


def _image(client: docker.DockerClient) -> Finding:
    if image.find(client, image.reference()):
        return Finding("image", "ok", f"{image.reference()} exists and fits the sources")
    return Finding("image", "ok", f"{image.reference()} does not exist; the next run builds it")


def _unix_s(timestamp: str) -> float:
    # The engine writes nanoseconds; Python reads microseconds.
    whole, _, fraction = timestamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00").timestamp()
