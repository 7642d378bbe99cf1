"""A Dask cluster of processes on this computer that share no folder, with or without faults."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cluster import ROOT

#: A member of the cluster; it prints its address when it is ready.
MEMBER = """
import asyncio
import sys
import distributed

async def main(kind, *scheduler):
    one = {"Worker": {"nthreads": 1}, "Scheduler": {}}[kind]
    made = getattr(distributed, kind)(*scheduler, host="127.0.0.1", port=0, dashboard=False, **one)
    async with made as member:
        print(member.address, flush=True)
        await member.finished()

asyncio.run(main(*sys.argv[1:]))
"""


class Cluster:
    """A scheduler, and workers by their names; each has a folder of its own below `folder`.

    The scheduler gives a run to other workers after `deaths` deaths; then the command has to.
    """

    def __init__(self, folder: Path, cleanup: ExitStack, deaths: int) -> None:
        self.folder = folder
        self._deaths = deaths
        self.workers = dict[str, subprocess.Popen[str]]()
        self._cleanup = cleanup
        self.scheduler, self.address = self._start("scheduler", "Scheduler")

    def add(self, name: str, checkout: Path = ROOT) -> str:
        """Start a worker with the code of a checkout, and return its address."""
        self.workers[name], address = self._start(name, "Worker", self.address, checkout=checkout)
        return address

    def kill(self, name: str) -> None:
        self.workers[name].kill()
        self.workers.pop(name).wait()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command that uses the cluster."""
        return {**os.environ, "DASK_SCHEDULER_ADDRESS": self.address}

    def _start(
        self, name: str, *words: str, checkout: Path = ROOT
    ) -> tuple[subprocess.Popen[str], str]:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        member = self._cleanup.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", MEMBER, *words],
                cwd=folder,
                # The temporary files of a worker, and those of Dask.
                env={
                    **os.environ,
                    "TMPDIR": str(folder),
                    "PYTHONPATH": str(checkout),
                    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self._deaths),
                },
                stdout=subprocess.PIPE,
                stderr=self._cleanup.enter_context((folder / "errors").open("a")),
                text=True,
            )
        )
        self._cleanup.callback(member.kill)
        assert member.stdout
        address = member.stdout.readline().strip()
        assert address, (folder / "errors").read_text()
        return member, address


@contextmanager
def cluster(folder: Path, *workers: str, deaths: int) -> Iterator[Cluster]:
    """A cluster with workers of these names."""
    with ExitStack() as cleanup:
        made = Cluster(folder, cleanup, deaths)
        for name in workers:
            made.add(name)
        yield made
