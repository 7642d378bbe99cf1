"""What `vklocks doctor` examines: engine, clock, cores, disks and image."""

import platform
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from time import time
from typing import Literal, NamedTuple

import docker

from orchestrator.backends.docker import image

MIN_FREE_BYTES = 500 * 1024**2
MAX_CLOCK_DIFFERENCE_S = 2


class Finding(NamedTuple):
    """One line of `vklocks doctor`."""

    subject: str
    state: Literal["ok", "warning", "missing"]
    text: str


def findings(client: docker.DockerClient, out: Path) -> Iterator[Finding]:
    """Check the engine and this computer for runs that go to the folder `out`."""
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
    yield _image(client)


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


def _image(client: docker.DockerClient) -> Finding:
    present = image.find(client)
    if present and (not image.has_sources() or present[1] == image.fingerprint(image.CHECKOUT)):
        return Finding("image", "ok", f"{image.NAME} is there and fits the sources")
    if image.has_sources():
        state = "is older than the sources" if present else "is not there"
        return Finding("image", "ok", f"{image.NAME} {state}; the next run builds it")
    return Finding(
        "image", "missing", f"{image.NAME} is not there: run vklocks from its checkout once"
    )
