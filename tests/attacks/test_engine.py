"""Others disturb the engine during a run in containers, each in one way.

Each run is kept as a failed one that names the machine and the cause, and nothing of it is left.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import docker
import pytest
from docker.models.containers import Container

from cluster import command, first_container, in_engine, wait_for_line
from orchestrator.backends.docker import engine

pytestmark = pytest.mark.docker
RUN = ("run", "--duration", 5, "--ticks", "20-40", "--tight", "--seed", 7)
LIMIT_S = 60
MACHINES = ("vm1", "vm2", "vm3")
#: Marks all other processes but the first as the ones to be killed when memory runs out.
HUNGRY = """
import os
for number in os.listdir("/proc"):
    if number.isdigit() and int(number) not in (1, os.getpid()):
        with open(f"/proc/{number}/oom_score_adj", "w") as file:
            file.write("1000")
eaten = b"x" * 10**9
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    with engine.connected() as connected:
        yield connected


def remove(victim: Container) -> None:
    victim.remove(force=True)


def restart(victim: Container) -> None:
    victim.restart(timeout=1)


def rename(victim: Container) -> None:
    victim.rename(f"renamed-{victim.name}")


def kill(victim: Container) -> None:
    victim.kill()


def link(victim: Container) -> None:
    _in_logs(victim, "os.unlink(log); os.symlink('/etc/passwd', log)")


def sparse(victim: Container) -> None:
    _in_logs(victim, "os.truncate(log, 10 * 1024**3)")


def folder(victim: Container) -> None:
    _in_logs(victim, "os.unlink(log); os.mkdir(log)")


def gone(victim: Container) -> None:
    _in_logs(victim, "os.unlink(log)")


def _in_logs(victim: Container, code: str) -> None:
    """Do something to the victim's log, as any program of its user can."""
    machine = victim.attrs["Config"]["Hostname"]
    text = f"import os; log = '/logs/{machine}.jsonl'; {code}"
    done = victim.exec_run(["python", "-c", text])
    assert done.exit_code == 0, done.output


def pause(victim: Container) -> None:
    victim.pause()


def stop(victim: Container) -> None:
    victim.stop(timeout=1)


def disconnect(victim: Container) -> None:
    for network in victim.client.networks.list(names=[victim.attrs["HostConfig"]["NetworkMode"]]):
        network.disconnect(victim, force=True)


def starve_of_memory(victim: Container) -> None:
    """Use up the memory of the container, in a program that is not to be killed for it."""
    victim.exec_run(["python", "-c", HUNGRY])


def starve_of_processor(victim: Container) -> None:
    victim.update(cpu_period=1_000_000, cpu_quota=1000)


#: What others do, and the words for it.
DISTURBANCES: dict[Callable[[Container], None], str] = {
    remove: "{vm}: its container was removed during the run",
    restart: "{vm}: its container was restarted by others",
    link: "{vm}: {vm}.jsonl was replaced by a symbolic link",
    sparse: "{vm}: {vm}.jsonl has 10737418",
    rename: "{vm}: its container was renamed during the run",
    folder: "{vm}: {vm}.jsonl was replaced by something that is no file",
    gone: "{vm}: {vm}.jsonl is missing",
    kill: "{vm} was killed (exit code 137)",
    pause: "{vm} did not end in time",
    stop: "{vm} was stopped before its end",
    starve_of_memory: "{vm} was killed because it ran out of memory",
    # The machine misses messages or ticks, which its log shows: the run finishes.
    disconnect: "",
    starve_of_processor: "",
}
SAMPLE = 4


def is_tick(line: str) -> bool:
    return " tick " in line


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda disturb: disturb.__name__)
def test_a_disturbed_run_is_kept_and_names_machine_and_cause(
    disturb: Callable[[Container], None],
    tmp_path: Path,
    client: docker.DockerClient,
    attack_seed: int,
    attacks: Callable[[int, int], int],
) -> None:
    if list(DISTURBANCES).index(disturb) >= attacks(SAMPLE, len(DISTURBANCES)):
        pytest.skip("only with --nightly")
    machine = Random(f"{attack_seed} {disturb.__name__}").choice(MACHINES)
    with command(*RUN, "--out", tmp_path) as process:
        victim = first_container(client, tmp_path, machine)
        wait_for_line(victim, is_tick)
        disturb(victim)
        _, err = process.communicate(timeout=LIMIT_S)
    says = DISTURBANCES[disturb].format(vm=machine)
    assert process.returncode == (4 if says else 0), err
    assert "Traceback" not in err
    assert says in err
    (file,) = tmp_path.glob("*/*/run.json")
    recorded = json.loads(file.read_text())
    assert recorded["outcome"] == ("failed" if says else "finished")
    others = {f"{name}.jsonl" for name in MACHINES if name != machine}
    assert others <= {path.name for path in file.parent.iterdir()}
    assert not in_engine(client, recorded["run"])
    assert not list(tmp_path.rglob(".*"))
