"""Messages for mistakes of users: the command, the cause, and the remedy are right."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from by_hand import internal, stop, write_run
from orchestrator.cli import main
from vm.host.arguments import read_settings
from vm.options import UsageError

Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    def command(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        return code, *capsys.readouterr()

    return command


def test_an_unknown_option_names_the_nearest_one_of_its_command(answer: Answer) -> None:
    code, _, err = answer("run", "--tiks=3")
    assert code == 2
    assert err == (
        "vklocks: unrecognized arguments: --tiks=3; did you mean --ticks?"
        " (`vklocks run --help` lists the options)\n"
    )
    with pytest.raises(UsageError, match=r"did you mean --tick-rate\? \(`python -m vm --help`"):
        read_settings(["vm1", "--port", "1", "--tickrate", "3"])


@pytest.mark.parametrize("command", ["analyse", "export", "run"])
def test_an_output_folder_that_is_a_dangling_link_is_called_one(
    answer: Answer, tmp_path: Path, command: str
) -> None:
    (tmp_path / "a").mkdir()
    run = write_run(tmp_path / "a", {"a": [internal(1, 1)]})
    (link := tmp_path / "link").symlink_to("nowhere")
    about = {"run": ["--backend", "simulation"], "export": [run, "--to", "csv"], "analyse": [run]}
    code, _, err = answer(command, *about[command], "--out", link)
    assert code == 2
    assert err == f"vklocks: --out: {link} is a link to a folder that does not exist\n"


def test_runs_of_one_name_are_exported_to_a_file_each(answer: Answer, tmp_path: Path) -> None:
    for number, experiment in enumerate(("one", "two"), 1):
        (run := tmp_path / "runs" / experiment / "base").mkdir(parents=True)
        write_run(run, {"a": [internal(at_ns, at_ns) for at_ns in range(1, number + 1)]})
    out = tmp_path / "out"
    code, printed, err = answer("export", tmp_path / "runs", "--to", "csv", "--out", out)
    assert (code, err) == (0, "")
    assert printed.split() == [str(out / "one" / "base.csv"), str(out / "two" / "base.csv")]
    assert len((out / "one" / "base.csv").read_text().splitlines()) == 2
    assert len((out / "two" / "base.csv").read_text().splitlines()) == 3


def test_a_name_too_long_for_an_export_is_no_fault_of_the_folder(
    answer: Answer, tmp_path: Path
) -> None:
    (run := tmp_path / ("x" * 255)).mkdir()
    write_run(run, {"a": [internal(1, 1)]})
    code, _, err = answer("export", run, "--to", "csv", "--out", tmp_path / "out")
    assert code == 2
    assert "--out" not in err
    assert "is too long for the name of a file: rename the run" in err


def test_without_an_engine_the_doctor_checks_the_rest(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    code, printed, err = answer("doctor", "--out", tmp_path)
    assert (code, err) == (3, "")
    assert "ok       folder for runs: " in printed
    assert "disk for runs" in printed
    assert "missing  engine: no Docker engine answers at" in printed
    assert "doctor" not in printed


def test_the_doctor_names_a_folder_that_cannot_be_written(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    _, printed, _ = answer("doctor", "--out", "/proc/runs")
    assert "missing  folder for runs: /proc cannot be written" in printed


def test_a_list_in_quotes_is_shown_in_brackets(answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('clocks = "vector"\n')
    _, _, err = answer("run", path, "--backend", "simulation", "--out", tmp_path / "runs")
    assert err == f"vklocks: {path}:1: clocks: 'vector' is not a list of clocks: write ['vector']\n"


@pytest.mark.parametrize(("outcome", "says"), [("failed", "failed"), ("interrupted", "was inter")])
def test_a_failed_run_does_not_look_fine(
    answer: Answer, tmp_path: Path, outcome: str, says: str
) -> None:
    write_run(tmp_path, {"a": [internal(1, 1)]}, {"a": stop(1)})
    (tmp_path / "run.json").write_text(json.dumps({"outcome": outcome, "problem": "out of order"}))
    for command in ("analyse", "check"):
        printed = answer(command, tmp_path)[1]
        assert f"the run {says}" in printed
        assert "out of order" in printed
    page = (tmp_path / "report.html").read_text()
    assert f"The run {says}" in page
    assert 'class="verdict holds"' not in page


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_address_of_version_6_needs_no_brackets(address: str) -> None:
    try:
        settings = read_settings(["vm1", "--port", "1", "--listen", address])
    except UsageError:
        pytest.skip("this computer has no IPv6")
    assert settings.listen == "[::1]"


def test_without_a_command_all_are_listed(answer: Answer) -> None:
    code, printed, err = answer()
    assert (code, err) == (2, "vklocks: give a command\n")
    for command in ("run", "analyse", "check", "export", "list", "doctor"):
        assert re.search(rf"^    {command} +\w", printed, re.MULTILINE)


def test_an_experiment_without_its_folder_or_suffix_is_found(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "experiments").mkdir()
    for path in ("experiments/assignment.toml", "mine.toml"):
        (tmp_path / path).write_text("")
    monkeypatch.chdir(tmp_path)
    reason = "cannot be read: No such file or directory"
    for given, near in {
        "assignment": "; did you mean experiments/assignment.toml?",
        "experiments/asignment.toml": "; did you mean experiments/assignment.toml?",
        "mine": "; did you mean mine.toml?",
        "quite-another": "",
    }.items():
        assert answer("run", given) == (2, "", f"vklocks: {given} {reason}{near}\n")


def test_the_help_names_the_seed_of_a_file_and_the_short_range(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: random without a file, or else the file's, or 0)" in text
    assert "(default: 1-6; 6 is short for 6-6)" in text


def test_the_list_is_in_natural_order_and_names_an_interruption_once(
    answer: Answer, tmp_path: Path
) -> None:
    for seed in (10, 2):
        (run := tmp_path / "mine" / f"base-seed{seed}").mkdir(parents=True)
        recorded = {"backend": "processes", "outcome": "interrupted", "problem": "interrupted"}
        (run / "run.json").write_text(json.dumps(recorded))
    code, printed, _ = answer("list", "--out", tmp_path)
    assert code == 0
    assert printed.splitlines() == [
        f"{tmp_path}/mine/base-seed{seed}  processes  0 machines  interrupted" for seed in (2, 10)
    ]
