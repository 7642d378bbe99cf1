"""A machine alone, with faults that the process beside it applies."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from analysis.history.replay import replay
from loopback import free_ports, read_log, read_logs
from vm.schedule import SECOND_NS

RESTART = {"kind": "restart", "machine": "vm1", "at_s": 0.5, "until_s": 1}
PAUSE = {"kind": "pause", "machine": "vm1", "at_s": 4.5, "until_s": 5}
CRASH = {"kind": "crash", "machine": "vm1", "at_s": 6}
#: How late a fault may be on a busy computer.
BUSY_S = 0.8


def started(log: Path, faults: Sequence[dict[str, Any]], duration_s: int) -> subprocess.Popen[str]:
    spec = {"machines": ["vm1"], "duration_s": duration_s, "ticks": [50, 50], "seed": 1}
    plain = json.dumps(spec | {"faults": list(faults)})
    options = ("--port", str(free_ports(1)[0]), "--spec", plain, "--log", str(log))
    return subprocess.Popen(
        [sys.executable, "-m", "vm.swarm.faults", "vm1", *options],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_machine_restarts_pauses_and_crashes_when_its_spec_says(tmp_path: Path) -> None:
    with started(tmp_path, [RESTART, PAUSE, CRASH], duration_s=7) as process:
        process.communicate(timeout=30)
    assert process.returncode == 137
    logs = read_logs(tmp_path, ["vm1"])
    assert replay({"vm1": read_log(tmp_path / "vm1.jsonl")}) is None
    (recovery,) = logs["vm1"].recoveries
    assert recovery.at_ns >= RESTART["until_s"] * SECOND_NS
    times_s = [event.at_ns / SECOND_NS for event in logs["vm1"].events]
    longest_s = max(after - before for before, after in pairwise(times_s))
    assert longest_s > 0.4
    assert times_s[-1] < CRASH["at_s"] + BUSY_S
    assert logs["vm1"].stop is None


def test_a_signal_ends_a_frozen_machine_in_order(tmp_path: Path) -> None:
    pause = PAUSE | {"at_s": 0.5, "until_s": 30}
    with started(tmp_path, [pause, CRASH | {"at_s": 31}], duration_s=40) as process:
        while not is_frozen(process.pid):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    stop = read_logs(tmp_path, ["vm1"])["vm1"].stop
    assert stop is not None
    assert stop.reason == "terminated"


def is_frozen(parent: int) -> bool:
    """Return whether the first child of a process is stopped."""
    child, *_ = [*Path(f"/proc/{parent}/task/{parent}/children").read_text().split(), ""]
    status = Path(f"/proc/{child}/stat")
    return bool(child) and status.read_text().rpartition(")")[2].split()[0] == "T"
