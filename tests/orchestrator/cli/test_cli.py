"""The command from its arguments to its exit code, without an engine."""

import csv
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from errno import ENOSPC
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from backends import Script, ScriptedRun
from orchestrator.backends import BACKENDS
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.cli import main, report
from orchestrator.cli.console import console_of_output, say
from orchestrator.cli.lines import put_json
from orchestrator.runner.execution import RESERVED_BYTES
from shortened import shorten

Command = Callable[..., tuple[int, str, str]]
SIMULATED = ("--backend", "simulation")
STORED = (*SIMULATED, "--pool", "dask", "--store", "file:///x")


@pytest.fixture
def vklocks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """What the command answers: exit code, output, errors. Runs go to `tmp_path / "runs"`.

    Their reports are shortened.
    """
    shorten(monkeypatch)

    def command(*arguments: object) -> tuple[int, str, str]:
        words = list(map(str, arguments))
        if words[0] == "run":
            words += ["--out", str(tmp_path / "runs")]
        code = main(words)
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def experiment(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "mine") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return write


def below(folder: Path) -> dict[str, bytes]:
    """All files with what they hold."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ticks", "6-1"], "--ticks: the lowest rate comes first: 1-6, not 6-1"),
        (["--ticks", "fast"], "argument --ticks: 'fast' is not MIN-MAX, as in 1-6"),
        (["--machines", "0"], "--machines: 0 is outside 1..200"),
        (
            ["--machines", "three"],
            "argument --machines: 'three' is neither a number nor NAME",
        ),
        (["--duration", "0"], "--duration: 0 s is not more than 0"),
        (["--duration", "soon"], "argument --duration: 'soon' is not a number of seconds"),
        (["--duration", "nan"], "--duration: nan s is not more than 0"),
        (
            ["--weights", "1,2"],
            "argument --workload/--weights: '1,2' is not ONE,ALL",
        ),
        (["--weights", "0,0,0"], "--workload: at least one weight must be more than 0"),
        (["--clocks", "lamprot"], "--clocks: there is no clock 'lamprot'; did you mean lamport?"),
        (["--clocks", "rev:0"], "--clocks.rev.entries: 0 is outside 1..1000"),
        (["--seed", "-1"], "--seed: -1 is outside"),
        (["--repeat", "0"], "--repeat: 0 is not a whole number from 1 to"),
        (["--jobs", "0"], "argument --jobs: '0' is not a number from 1 to"),
        (["--backend", "contaners"], "argument --backend: invalid choice: 'contaners'"),
        (["--backend", "containers", "--no-logs"], "--no-logs is for simulated runs: add --back"),
        (["--backend", "containers", "--pool", "loky"], "--pool is for simulated runs: add --ba"),
        ([*SIMULATED, "--pool", "dsak"], "--pool: there is no 'dsak'; did you mean dask?"),
        (
            [*SIMULATED, "--store", "file:///x"],
            "--store is for workers elsewhere: add --pool dask",
        ),
        ([*STORED, "--no-logs"], "--store keeps the logs, --no-logs keeps none: give one of them"),
        (["--backend", "processes", *STORED[2:]], "--pool is for simulated runs: add --backend si"),
        (["--tickz", "1-6"], "unrecognized arguments: --tickz"),
        (["none.toml"], "none.toml cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(
    vklocks: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    code, out, err = vklocks("run", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(f"vklocks: {says}")
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("", "invalid choice: ''; there are run, analyse, check"),
        ("rnu", "invalid choice: 'rnu'; did you mean run?"),
        ("analyze", "invalid choice: 'analyze'; did you mean analyse?"),
    ],
)
def test_a_command_that_does_not_exist_is_refused(
    vklocks: Command, command: str, says: str
) -> None:
    code, _, err = vklocks(command)
    assert code == 2
    assert says in err
    assert "--help" in err


def test_a_typo_in_a_file_is_named_with_its_line(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    path = experiment("duration_s = 1\nmachnies = 3\n")
    code, _, err = vklocks("run", path, *SIMULATED)
    assert code == 2
    assert err == f"vklocks: {path}:2: machnies: there is no such field; did you mean machines?\n"
    assert not (tmp_path / "runs").exists()


def test_an_option_for_what_the_file_sweeps_is_refused(
    vklocks: Command, experiment: Callable[[str], Path]
) -> None:
    path = experiment("[grid]\nmachines = [2, 3]\n")
    code, _, err = vklocks("run", path, *SIMULATED, "--machines", 4)
    assert code == 2
    assert err == f"vklocks: --machines: {path} sweeps machines, so the option cannot set it\n"


def test_an_output_folder_that_cannot_be_written_is_named(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    (tmp_path / "runs").write_text("a file")
    for file in ([], [experiment("duration_s = 1\n")]):
        code, _, err = vklocks("run", *file, *SIMULATED)
        assert code == 2
        assert re.fullmatch(r"vklocks: --out: .*/runs.* cannot be written: .*\n", err)
    assert (tmp_path / "runs").read_text() == "a file"


@pytest.mark.parametrize(("pool", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_an_extra_that_is_not_installed_is_named_with_what_to_do(
    vklocks: Command, pool: str, module: str
) -> None:
    if find_spec(module):
        pytest.skip(f"{module} is installed")
    code, _, err = vklocks("run", *SIMULATED, "--pool", pool, "--duration", 1)
    assert code == 3
    assert err == (
        f"vklocks: --pool {pool} needs {module}, which is not installed: `pip install {module}`\n"
    )


def test_runs_of_no_experiment_are_fresh_each_time(vklocks: Command, tmp_path: Path) -> None:
    for _ in range(2):
        code, out, err = vklocks("run", *SIMULATED, "--duration", 2, "--repeat", 2)
        assert (code, err) == (0, "")
    runs = [path for path in (tmp_path / "runs" / "lab").iterdir() if path.is_dir()]
    assert len(runs) == 4
    assert len({json.loads((run / "spec.json").read_text())["seed"] for run in runs}) == 4
    assert sum(str(run) in out for run in runs) == 2


def test_the_command_for_the_same_again_repeats_the_runs(vklocks: Command, tmp_path: Path) -> None:
    arguments = ("--machines", 2, "--duration", 3, "--ticks", "2-5", "--tight", "--repeat", 2)
    _, out, _ = vklocks("run", *SIMULATED, *arguments, "--clocks", "vector,lamport")
    again = re.search(r"the same again: vklocks (.*)", out)
    assert again
    _, out, _ = vklocks(*again[1].split())
    assert f"the same again: vklocks {again[1]}\n" in out
    specs = [path.read_text() for path in sorted((tmp_path / "runs" / "lab").glob("*/spec.json"))]
    assert len(specs) == 4
    assert len(set(specs)) == 2


def test_an_experiment_is_executed_once(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    path = experiment('duration_s = 2\nrepeat = 2\n[grid]\n"workload.internal" = [1, 7]\n')
    code, out, err = vklocks("run", path, *SIMULATED)
    assert (code, err) == (0, "")
    folder = tmp_path / "runs" / "mine"
    names = [f"internal{n}-seed{seed}" for n in (1, 7) for seed in (0, 1)]
    assert {p.name for p in folder.iterdir()} == {
        *names,
        "experiment.toml",
        "experiment.json",
        "summary.csv",
        "report.html",
    }
    made = below(folder)
    code, out, err = vklocks("run", path, *SIMULATED)
    assert (code, err) == (0, "")
    assert "kept: 4 runs that were there already" in out
    assert below(folder) == made
    with (folder / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == names
    assert [(row["workload.internal"], row["seed"]) for row in rows] == [
        ("1", "0"),
        ("1", "1"),
        ("7", "0"),
        ("7", "1"),
    ]
    assert all(float(row["events"]) > 0 for row in rows)


def test_missing_runs_are_made_and_equal_those_that_were_there(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    path = experiment("duration_s = 2\nrepeat = 4\n")
    vklocks("run", path, *SIMULATED)
    folder = tmp_path / "runs" / "mine"
    made = below(folder)
    shutil.rmtree(folder / "base-seed2")
    code, out, _ = vklocks("run", path, *SIMULATED)
    assert code == 0
    assert "kept: 3 runs that were there already" in out
    assert below(folder) == made


@pytest.mark.parametrize(
    ("changed", "options", "says"),
    [
        ("duration_s = 3\nrepeat = 2\n", [], "duration_s 2 -> 3. "),
        ("duration_s = 2\nrepeat = 3\n", [], "repeat 2 -> 3. "),
        ("duration_s = 2\nrepeat = 2\n", ["--ticks", "1-3"], "ticks [1, 6] -> [1, 3]. "),
        ("duration_s = 2\nrepeat = 2\n", ["--no-logs"], "logs true -> false. "),
    ],
)
def test_a_changed_experiment_is_refused_with_what_changed(
    vklocks: Command,
    tmp_path: Path,
    experiment: Callable[[str], Path],
    changed: str,
    options: list[str],
    says: str,
) -> None:
    vklocks("run", experiment("duration_s = 2\nrepeat = 2\n"), *SIMULATED)
    made = below(tmp_path / "runs")
    code, _, err = vklocks("run", experiment(changed), *SIMULATED, *options)
    assert code == 2
    assert f"holds another experiment of this name: {says}Undo that" in err
    assert below(tmp_path / "runs") == made


def test_options_override_the_file(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    path = experiment("duration_s = 60\nmachines = 3\n")
    options = ["--duration", 2, "--machines", 2, "--seed", 5, "--repeat", 2]
    assert vklocks("run", path, *SIMULATED, *options)[0] == 0
    specs = sorted((tmp_path / "runs" / "mine").glob("*/spec.json"))
    assert [path.parent.name for path in specs] == ["base-seed5", "base-seed6"]
    plain = json.loads(specs[0].read_text())
    assert (plain["duration_s"], plain["machines"]) == (2, ["vm1", "vm2"])


def test_a_failed_run_is_kept_apart_reported_and_tried_again(
    vklocks: Command,
    tmp_path: Path,
    experiment: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = experiment("repeat = 3\n")
    folder = tmp_path / "runs" / "mine"
    failing = Script({1: "vm1 was killed"})
    monkeypatch.setitem(BACKENDS, "fake", failing.backend)
    for attempt in (1, 2):
        code, _, err = vklocks("run", path, "--backend", "fake")
        kept = folder / "failed" / f"base-seed1-{attempt}"
        assert code == 4
        assert err == (
            f"vklocks: base-seed1 failed: vm1 was killed (kept as {kept}, to be tried again)\n"
        )
        assert kept.is_dir()
    assert failing.executed.count("base-seed1") == 2
    assert failing.executed.count("base-seed0") == 1
    monkeypatch.setitem(BACKENDS, "fake", Script().backend)
    assert vklocks("run", path, "--backend", "fake")[::2] == (0, "")
    assert (folder / "base-seed1").is_dir()


def test_real_processes_can_be_gone_on_with_and_replayed(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    path = experiment("duration_s = 0.5\nticks = [20, 40]\n[grid]\nfifo = [true, false]\n")
    code, out, err = vklocks("run", path, "--backend", "processes")
    assert (code, err) == (0, "")
    assert "2 runs, 2 at a time" in out
    folder = tmp_path / "runs" / "mine"
    made = below(folder)
    code, out, _ = vklocks("run", path, "--backend", "processes")
    assert code == 0
    assert "kept: 2 runs that were there already" in out
    for name in ("fifo_true-seed0", "fifo_false-seed0"):
        assert vklocks("replay", folder / name)[0] == 0
    kept = below(folder)
    for name in made:
        if name.endswith((".jsonl", ".out", "run.json", "spec.json")):
            assert kept[name] == made[name]


def test_what_the_environment_lacks_is_reported_once(
    vklocks: Command,
    tmp_path: Path,
    experiment: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacking = EnvironmentProblem("the engine is gone: start it")
    monkeypatch.setitem(BACKENDS, "fake", Script({0: lacking, 2: lacking}).backend)
    code, out, err = vklocks("run", experiment("repeat = 3\n"), "--backend", "fake")
    assert code == 3
    assert err == "vklocks: the engine is gone: start it\n"
    assert "base-seed1" in out
    assert (tmp_path / "runs" / "mine" / "base-seed1").is_dir()


def test_a_full_disk_is_no_traceback(vklocks: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(ENOSPC, "No space left on device", "runs/lab/x")
    monkeypatch.setitem(BACKENDS, "fake", Script({7: full}).backend)
    code, out, err = vklocks("run", "--backend", "fake", "--seed", 6, "--repeat", 2)
    assert code == 3
    assert re.fullmatch(
        "vklocks: runs/lab/x: No space left on device; nothing of .*-seed7 is kept\n", err
    )
    assert "-seed6\n" in out.partition("kept:")[2]


def test_room_for_the_run_file_is_kept_while_machines_run(
    vklocks: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(run: ScriptedRun, directory: Path, *_: object) -> None:
        assert (directory / ".reserve").stat().st_size == RESERVED_BYTES
        assert (directory / "spec.json").exists()
        raise OSError(ENOSPC, "No space left on device", str(directory / "vm1.jsonl"))

    monkeypatch.setattr(ScriptedRun, "execute", fill)
    monkeypatch.setitem(BACKENDS, "fake", Script().backend)
    code, _, err = vklocks("run", "--backend", "fake", "--seed", 7)
    assert code == 3
    assert "vm1.jsonl: No space left on device; nothing of " in err
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("runs", [1, 2, 5, 20, 25])
def test_the_output_about_any_number_of_runs_is_about_a_screen(
    vklocks: Command, experiment: Callable[[str], Path], runs: int
) -> None:
    path = experiment(f"duration_s = 2\nrepeat = {runs}\n")
    code, out, err = vklocks("run", path, *SIMULATED)
    assert (code, err) == (0, "")
    # One run has all its tables.
    assert out.count(": the last clocks, max - min") == (runs == 1)
    assert len(out.splitlines()) <= (60 if runs == 1 else 25 + 2 * min(runs, 20))
    if runs > 1:
        assert f"\nverdicts: {runs} hold\n" in out
        assert ("25 runs at 1 point; " in out) == (runs == 25)
        assert ("base-seed1 " in out) == (runs <= 20)


def test_all_tables_are_printed_on_request(
    vklocks: Command, experiment: Callable[[str], Path], tmp_path: Path
) -> None:
    path = experiment("duration_s = 2\nrepeat = 3\n")
    for words in (["run", path, *SIMULATED, "-v"], ["analyse", tmp_path / "runs", "--verbose"]):
        code, out, err = vklocks(*words)
        assert (code, err) == (0, "")
        assert out.count(": the last clocks, max - min") == 3
        assert out.count("measured against the fluid model") == 3 + 1


def test_a_summary_names_the_runs_whose_verdict_does_not_hold(
    vklocks: Command, experiment: Callable[[str], Path], tmp_path: Path
) -> None:
    vklocks("run", experiment("duration_s = 2\nrepeat = 4\n"), *SIMULATED)
    folder = tmp_path / "runs" / "mine"
    (folder / "base-seed1" / "vm2.jsonl").unlink()
    tampered(folder / "base-seed2", lambda line: line.update(clock={"lamport": 99}))
    file = folder / "base-seed3" / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"outcome": "failed"}))
    _, out, _ = vklocks("analyse", folder)
    assert (
        "verdicts: 1 holds, 1 holds (failed) (base-seed3), 1 inconclusive (base-seed1),"
        " 1 violated (base-seed2)\n"
    ) in out


def test_seeds_and_rates_are_printed_before_the_runs(
    vklocks: Command, experiment: Callable[[str], Path]
) -> None:
    hint = ", as the file sets none: --seed N draws others"
    without, seeded = experiment("duration_s = 2\nrepeat = 5\n"), experiment("seed = 7\n", "seeded")
    assert f"\nseeds 0 to 4{hint}\n" in vklocks("run", without, *SIMULATED)[1]
    assert "\nseed 7\n" in vklocks("run", seeded, "--duration", 2, *SIMULATED)[1]
    out = vklocks("run", *SIMULATED, "--seed", 7, "--ticks", "2-3", "--duration", 2)[1]
    assert "\nseed 7\nticks/s of the machines: 3 3 3\n" in out


def test_without_logs_there_are_the_same_metrics_and_nothing_else(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    text = "duration_s = 20\nrepeat = 3\n[grid]\nmachines = [2, 3]\n"
    code, _, _ = vklocks("run", experiment(text, "with"), *SIMULATED)
    assert code == 0
    code, _, err = vklocks("run", experiment(text, "without"), *SIMULATED, "--no-logs")
    assert (code, err) == (0, "")
    runs = tmp_path / "runs"
    for directory in (runs / "without").glob("*-seed*"):
        assert {p.name for p in directory.iterdir()} == {"spec.json", "run.json", "metrics.json"}
    metrics = {}
    for name in ("with", "without"):
        code, out, _ = vklocks("analyse", runs / name, "--json")
        assert code == 0
        metrics[name] = json.loads(out)
    assert len(metrics["with"]["runs"]) == 6
    assert metrics["with"] == metrics["without"]
    one = runs / "without" / "machines3-seed1"
    assert json.loads((one / "metrics.json").read_text())["runs"] == [metrics["with"]["runs"][4]]
    assert (runs / "with" / "summary.csv").read_bytes() == (
        runs / "without" / "summary.csv"
    ).read_bytes()
    code, out, _ = vklocks("analyse", runs / "without")
    assert code == 0
    assert "6 runs at 2 points" in out


def test_what_has_no_logs_cannot_be_checked_or_replayed(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--no-logs", "--duration", 2)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    code, out, _ = vklocks("check", run)
    assert code == 2
    assert "could not be checked: only its metrics were written, no logs" in out
    code, _, err = vklocks("replay", run)
    assert code == 2
    assert "no logs" in err
    assert err.count("\n") == 1


def test_failed_runs_are_analysed_only_if_pointed_at(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--duration", 2, "--seed", 1)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    failed = tmp_path / "runs" / "lab" / "failed" / "x-1"
    failed.parent.mkdir()
    run.rename(failed)
    code, _, err = vklocks("analyse", tmp_path / "runs")
    assert code == 2
    assert "holds no run" in err
    for path in (failed, failed.parent):
        assert vklocks("analyse", path)[0] == 0


def tampered(directory: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The directory of a run, in which the first send of vm1 is not what it was."""
    path = directory / "vm1.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    change(next(record for record in records if record["kind"] == "send"))
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return directory


def test_a_replay_says_equal_or_the_first_difference(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--duration", 20, "--seed", 1)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    code, out, err = vklocks("replay", run)
    assert (code, err) == (0, "")
    assert re.search(r": equal: \d+ events of 3 machines, replayed\n", out)
    tampered(run, lambda send: send.update(clock={"lamport": 99}))
    code, out, err = vklocks("replay", run)
    assert (code, err) == (1, "")
    assert "not equal" in out
    assert '"clock":{"lamport":99}' in out


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: (run / "vm2.jsonl").unlink(), "there is no log of vm2"),
        (lambda run: (run / "vm1.jsonl").write_text("what\n"), "vm1.jsonl:1 is no record of a log"),
        (lambda run: (run / "vm1.jsonl").write_bytes(b"\xff\n"), "vm1.jsonl:1 is no record of a"),
        (lambda run: (run / "vm1.jsonl").write_text(""), "does not begin with a start record"),
        (lambda run: [p.unlink() for p in run.glob("*.jsonl")], "holds no logs (*.jsonl)"),
    ],
)
def test_what_cannot_be_replayed_is_reported(
    vklocks: Command, tmp_path: Path, damage: Callable[[Path], object], says: str
) -> None:
    vklocks("run", *SIMULATED, "--duration", 2, "--seed", 1)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    damage(run)
    code, out, err = vklocks("replay", run)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_torn_last_line_loses_nothing_else(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--duration", 5, "--seed", 1)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    log = run / "vm1.jsonl"
    *_, stop = log.read_text().splitlines()
    log.write_text(log.read_text().removesuffix(f"{stop}\n") + stop[: len(stop) // 2])
    code, out, _ = vklocks("analyse", run)
    assert code == 0
    assert "torn last line" in out
    code, out, _ = vklocks("check", run)
    assert code == 2
    assert "could not be checked: vm1 left no stop record" in out


def test_a_violated_check_is_exit_code_1(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--duration", 20, "--seed", 1)
    (run,) = (tmp_path / "runs" / "lab").iterdir()
    assert vklocks("check", run)[0] == 0
    tampered(run, lambda send: send.update(clock={"lamport": 10**6}))
    code, out, _ = vklocks("check", run)
    assert code == 1
    assert ": violated\n" in out


@pytest.mark.parametrize("command", ["analyse", "check", "replay"])
def test_a_path_that_does_not_exist_is_named(vklocks: Command, command: str) -> None:
    code, _, err = vklocks(command, "no/such/run")
    assert code == 2
    assert "no/such/run" in err
    assert err.count("\n") == 1


class Interrupting(list[str]):
    """The executed runs; when one of them begins, the command is interrupted."""

    def __init__(self, run: str) -> None:
        self._run = run

    def append(self, run: str) -> None:
        super().append(run)
        if run == self._run:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("seed", "kept"),
    [(1, "1 run kept, logs of 1 unfinished run in "), (0, "logs of 1 unfinished run in ")],
)
def test_an_interrupted_experiment_names_the_place_of_unfinished_runs(
    vklocks: Command,
    tmp_path: Path,
    experiment: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    kept: str,
) -> None:
    script = Script({seed: "interrupted"}, Interrupting(f"base-seed{seed}"))
    monkeypatch.setitem(BACKENDS, "fake", script.backend)
    path = experiment("repeat = 2\n")
    code, out, err = vklocks("run", path, "--backend", "fake", "--jobs", 1)
    assert code == 130
    folder = tmp_path / "runs" / "mine" / "failed"
    assert err.splitlines()[-1] == f"vklocks: interrupted; {kept}{folder}"
    assert f"base-seed{seed}: interrupted (" in out
    assert [path.name for path in folder.iterdir()] == [f"base-seed{seed}-1"]


def test_the_list_has_every_run_that_is_whole(
    vklocks: Command, tmp_path: Path, experiment: Callable[[str], Path]
) -> None:
    code, out, _ = vklocks("list", "--out", tmp_path / "runs")
    assert code == 0
    assert "no runs in" in out
    vklocks("run", experiment("duration_s = 2\nrepeat = 2\n"), *SIMULATED)
    code, out, _ = vklocks("list", "--out", tmp_path / "runs")
    assert code == 0
    assert [re.sub(r".*/runs/", "", line) for line in out.splitlines()] == [
        "mine/base-seed0  simulation  3 machines  finished",
        "mine/base-seed1  simulation  3 machines  finished",
    ]


def test_the_schema_is_printed(vklocks: Command) -> None:
    code, out, _ = vklocks("schema")
    assert code == 0
    assert json.loads(out)["title"] == "An experiment of vklocks"


def test_every_run_leaves_its_pages(
    vklocks: Command,
    tmp_path: Path,
    experiment: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "MAX_CHARTS", 2)
    code, out, err = vklocks("run", experiment("duration_s = 2\nrepeat = 2\n"), *SIMULATED)
    assert (code, err) == (0, "")
    runs = tmp_path / "runs"
    pages = sorted(str(path.relative_to(runs)) for path in runs.rglob("*.html"))
    assert pages == [
        "index.html",
        "mine/base-seed0/report.html",
        "mine/base-seed1/report.html",
        "mine/report.html",
    ]
    assert f"report: {runs / 'mine' / 'report.html'}" in out
    charts = sorted(path.name for path in (runs / "mine" / "base-seed0" / "charts").iterdir())
    assert {"clock.svg", "clock.png", "utilisation.svg"} <= set(charts)
    assert "2 hold" in (runs / "mine" / "report.html").read_text()
    assert 'href="mine/base-seed1/report.html"' in (runs / "index.html").read_text()


def test_a_run_among_others_is_analysed_alone(vklocks: Command, tmp_path: Path) -> None:
    vklocks("run", *SIMULATED, "--duration", 2, "--seed", 1)
    (run,) = (path for path in (tmp_path / "runs" / "lab").iterdir() if path.is_dir())
    (run / "report.html").unlink()
    code, out, err = vklocks("analyse", run)
    assert (code, err) == (0, "")
    assert f"report: {run / 'report.html'}" in out
    assert not (tmp_path / "runs" / "lab" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--jobs", "²"], "argument --jobs: '²' is not a number from 1 to"),
        (["--jobs", "9" * 5000], "argument --jobs: '999"),
        (["--repeat", "9" * 5000], "argument --repeat: '999"),
        (["--repeat", "\x1b[2J"], r"argument --repeat: '\x1b[2J' is not a whole number"),
        (["--machines", ",".join(map(str, range(50_000)))], "--machines: 50000 is outside 1..200"),
        (["--seed", "9" * 21], f"argument --seed: '{'9' * 21}' has more than 20 digits"),
        (["--backend", "\x1b" * 50_000], r"argument --backend: invalid choice: '\x1b\x1b"),
        ([f"--\x1b]0;x\x07{'y' * 50_000}"], r"unrecognized arguments: --\x1b]0;x\x07yyy"),
        (["x" * 5000], f"argument EXPERIMENT.toml: '{'x' * 78}… is not a path of 1 to 4095 bytes"),
        ([""], "argument EXPERIMENT.toml: '' is not a path"),
        (["\x1b[2J.toml"], r"\x1b[2J.toml cannot be read: No such file"),
        (["none.toml", "--ticks", "6-1"], "--ticks: the lowest rate comes first"),
        (["none.toml", "--repeat", "0"], "--repeat: 0 is not a whole number from 1 to"),
    ],
)
def test_a_hostile_argument_is_refused_in_one_short_line(
    vklocks: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    code, out, err = vklocks("run", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"vklocks: {says}")
    assert err.removesuffix("\n").isprintable()
    assert len(err) < 500
    assert not (tmp_path / "runs").exists()


def test_names_of_folders_are_printed_without_control_characters(
    vklocks: Command, tmp_path: Path
) -> None:
    out = tmp_path / "\x1b]0;owned\x07" / "\x9b2J\nvklocks: fine"
    code, output, _ = vklocks("list", "--out", out)
    assert code == 0
    assert r"\x1b]0;owned\x07/\x9b2J\nvklocks: fine/ yet" in output


def test_a_console_escapes_whatever_is_rendered(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("run", "metric")
    table.add_row(Text("\x1b[2J\x9b"), "\x1b]0;x\x07")
    console = console_of_output()
    console.print(table)
    console.print(Text("\x1b[2J"), "\x08\x1b", markup=False)
    say(console, "one\x1b\ntwo\x7f")
    output = capsys.readouterr().out
    assert output.replace("\n", "").isprintable()
    assert r"\x1b[2J\x9b" in output
    assert output.endswith("one\\x1b\\ntwo\\x7f\n")


def test_json_has_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"run": "\x00\x1b\x7f\x9b\u2028"}
    put_json(given)
    output = capsys.readouterr().out.removesuffix("\n")
    assert output.isprintable()
    assert json.loads(output) == given


@pytest.mark.parametrize("command", ["analyse", "check", "replay", "list"])
def test_a_path_that_no_file_has_is_refused(vklocks: Command, command: str, tmp_path: Path) -> None:
    option = ["--out"] if command == "list" else []
    code, _, err = vklocks(command, *option, tmp_path / ("x" * 300))
    assert code == 2
    assert "Traceback" not in err
