"""Runs that strangers attack: from a container of their own, attached to the network of the run."""

import io
import json
import signal
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from analysis.checks.account import account
from analysis.checks.evidence import Evidence
from analysis.evaluation import evaluate
from analysis.logs.finding import load
from cluster import ROOT, only_run
from orchestrator.backends.docker import image
from orchestrator.backends.docker.engine import labels
from stranger.forging import FRAMES, PROOFS, SEED

MACHINES = ("vm1", "vm2", "vm3")
#: A run of three machines that goes on until it is interrupted.
RUN = ("run", "--duration", 3600, "--ticks", "20-40", "--tight", "--seed", SEED)
#: To each machine, in the names of two others, with two seeds.
FORGERIES = 2 * 2 * len(FRAMES) * len(PROOFS)
LIMIT_S = 900
#: The folder of the image from which programs import `vm`.
FOLDER = "/app"


@dataclass(frozen=True)
class Target:
    """A run as a stranger knows it, who is in an engine that has the run's network.

    `hosts` has the machines' names in this network. They may expect that a stranger `encrypts`.
    """

    client: docker.DockerClient
    network: str
    run: str
    hosts: Mapping[str, str]
    encrypts: bool

    def attack(self, **form: object) -> Any:
        """Execute the package `stranger` in the network of the run; return its result."""
        form = {"run": self.run, "hosts": self.hosts, "encrypts": self.encrypts} | form
        stranger = self.client.containers.create(
            image.reference(),
            [json.dumps(form)],
            entrypoint=["python", "-m", "stranger"],
            network=self.network,
            # With a run's labels, the next run removes what a killed test leaves.
            labels=labels("stranger"),
        )
        try:
            stranger.put_archive(FOLDER, _package())
            stranger.start()
            assert stranger.wait(timeout=LIMIT_S)["StatusCode"] == 0, stranger.logs().decode()
            return json.loads(stranger.logs())
        finally:
            stranger.remove(force=True)

    def flood(self, attack_seed: int) -> None:
        """Say 100,000 fuzzed frames, and open 2,000 streams; all machines answer after each."""
        fuzzed = self.attack(attack="fuzz", seed=attack_seed, frames=100_000)
        assert fuzzed == list(MACHINES)
        assert self.attack(attack="unfinished", connections=1_000) == list(MACHINES)


def _package() -> bytes:
    """Return an archive of the package `stranger`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (ROOT / "tests" / "stranger").glob("*.py"):
            archive.add(path, f"stranger/{path.name}")
    return packed.getvalue()


def interrupted(process: subprocess.Popen[str]) -> bytes:
    """Interrupt a run, and return all that its command has printed."""
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130, out + err
    return (out + err).encode()


def refused_in(out: Path) -> dict[str, int]:
    """Assert that the run in a folder is exact; return the refused frames that machines counted."""
    loaded = load(only_run(out)[0])
    assert evaluate(loaded).verdict.state == "holds"
    places = account(Evidence(loaded))
    assert places.sent == places.received + places.inbox > 0
    return {machine: stop.rejected for machine, stop in loaded.stops.items()}


def assert_secret(key: bytes, shown: list[bytes], out: Path) -> None:
    """Assert that no part of a key that is secret is in what is shown, or in a kept file.

    The key is a secret, or a certificate, which is public, and its private key.
    """
    private = key.rpartition(b"-----BEGIN PRIVATE KEY-----")[2]
    parts = [line for line in private.splitlines() if line and not line.startswith(b"-----")]
    assert max(map(len, parts)) >= 64
    kept = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert kept
    assert not [text for text in (*shown, *kept) if any(part in text for part in parts)]
