"""Finding runs among folders, and reading whatever logs are in them."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.history.run import InputError
from analysis.logs.finding import find_runs as find_sources
from analysis.logs.finding import load
from by_hand import internal, write_run

LOGS = {"vm1": [internal(10, 1)]}
FOREIGN = "2025-01-01 10:00:00,000 INFO: Machine m1 initialized with tick rate 1 ticks per second\n"


def find_runs(paths: Sequence[Path]) -> list[Path]:
    return [source.path for source in find_sources(paths)]


def run_at(path: Path) -> Path:
    return write_run(path, LOGS)


def foreign_run_at(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "m1_log.txt").write_text(FOREIGN)
    return path


def test_a_run_directory_is_found_as_itself(tmp_path: Path) -> None:
    assert find_runs([run_at(tmp_path / "one")]) == [tmp_path / "one"]


def test_runs_are_found_at_any_depth_in_natural_order(tmp_path: Path) -> None:
    runs = [run_at(tmp_path / name) for name in ("lab/run10", "lab/run2", "b/c/run1", "run3")]
    (tmp_path / "lab" / "experiment.toml").write_text("machines = 3\n")
    lab10, lab2, deep, near = runs
    assert find_runs([tmp_path]) == [deep, lab2, lab10, near]


def test_runs_of_different_formats_are_found_side_by_side(tmp_path: Path) -> None:
    ours, theirs = run_at(tmp_path / "1"), foreign_run_at(tmp_path / "2")
    assert find_runs([tmp_path]) == [ours, theirs]
    assert [load(run).format for run in (ours, theirs)] == ["jsonl", "vklocks"]


def test_a_run_is_found_once_however_often_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_at(tmp_path / "lab" / "one")
    (tmp_path / "link").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    found = find_runs([run, tmp_path, run.parent / ".." / "lab", Path("lab/one"), Path("link")])
    assert [path.resolve() for path in found] == [run]


def test_nothing_is_looked_for_under_hidden_names_within_runs_or_behind_links(
    tmp_path: Path,
) -> None:
    run = run_at(tmp_path / "lab" / "one")
    run_at(tmp_path / "lab" / ".two@host:1")
    run_at(run / "within")
    run_at(tmp_path / "elsewhere")
    (tmp_path / "lab" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lab" / "loop").symlink_to(tmp_path / "lab")
    assert find_runs([tmp_path / "lab"]) == [run]


def test_hidden_files_are_no_logs(tmp_path: Path) -> None:
    run_at(tmp_path)
    (tmp_path / ".vm2.jsonl").write_text("not for us\n")
    assert load(tmp_path).damage == ()
    (tmp_path / "vm1.jsonl").rename(tmp_path / ".vm1.jsonl")
    with pytest.raises(InputError, match="holds no run"):
        find_runs([tmp_path])


@pytest.mark.parametrize("name", ["²", "run²", "3²", "٣", "run 1.5", "1e5"])
def test_folders_may_be_called_anything(tmp_path: Path, name: str) -> None:
    assert find_runs([run_at(tmp_path / name), run_at(tmp_path / "0")])[1] == tmp_path / name


def test_an_empty_folder_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run: no logs were found there or in folders"):
        find_runs([tmp_path])
    with pytest.raises(InputError, match="is no run: it directly holds no logs"):
        load(tmp_path)


def test_of_several_paths_one_without_a_run_is_named_when_it_is_loaded(tmp_path: Path) -> None:
    run_at(tmp_path / "one")
    (tmp_path / "two").mkdir()
    with pytest.raises(InputError, match="two holds no run"):
        find_runs([tmp_path / "two"])
    one, two = find_sources([tmp_path / "one", tmp_path / "two"])
    assert len(one.load()) == 1
    with pytest.raises(InputError, match="two is no run"):
        two.load()


def test_a_folder_of_other_files_holds_no_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run": "one", "kind": "start"}\n')
    (tmp_path / "vm1.jsonl").write_text("")
    (tmp_path / "picture.png").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="holds no run"):
        find_runs([tmp_path])


UNKNOWN = "10.0 SENT to m2, lamport 1\n"


def unknown_at(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "m1.log").write_text(UNKNOWN)
    (folder / "notes.md").write_text("1. nothing\n")
    (folder / "requirements.txt").write_text("grpcio==1.80\n")
    return folder


def test_a_folder_with_logs_of_no_known_format_is_named(tmp_path: Path) -> None:
    run, unknown = run_at(tmp_path / "lab1"), unknown_at(tmp_path / "lab2")
    known, other = find_sources([tmp_path])
    assert (known.path, known.unknown) == (run, ())
    assert (other.path, other.format) == (unknown, None)
    with pytest.raises(InputError, match=r"lab2 is no run: its file m1\.log was not recognised"):
        other.load()
    with pytest.raises(InputError, match=r"lab2 is no run: its file m1\.log was not recognised"):
        find_runs([unknown])


def test_other_files_above_runs_are_no_run(tmp_path: Path) -> None:
    run = run_at(tmp_path / "lab" / "logs")
    (tmp_path / "lab" / "grades.csv").write_text("student,grade\n1,2\n3,4\n")
    assert find_runs([tmp_path]) == [run]


def test_files_that_seem_logs_of_another_format_are_named_by_the_run(tmp_path: Path) -> None:
    lab = foreign_run_at(tmp_path / "lab")
    (lab / "m2.log").write_text(UNKNOWN)
    (lab / "m3.csv").write_text("time,clock,kind\n1,1,internal\n")
    (lab / "README.md").write_text("1. make\n")
    (source,) = find_sources([lab])
    (run,) = source.load()
    assert [file for file, _ in run.unknown_files] == ["m2.log", "m3.csv"]
    assert all(why for _, why in run.unknown_files)
    assert run.machines == ("m1",)
    # Exports and other files beside our own logs are no logs of the run.
    own = run_at(tmp_path / "own")
    (own / "own.shiviz.log").write_text(UNKNOWN)
    (source,) = find_sources([own])
    assert source.unknown == ()


def test_of_several_executions_one_names_the_files_that_were_not_read(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    header = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)" + "\n=== (?<trace>.*) ===\n"
    executions = [f'=== {name} ===\na {{"a":1}} start\n' for name in ("calm", "stormy")]
    (lab / "all.log").write_text(header + "".join(executions))
    (lab / "m2.log").write_text(UNKNOWN)
    (source,) = find_sources([lab])
    assert [len(run.unknown_files) for run in source.load()] == [1, 0]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere does not exist: give a run directory, or a"):
        find_runs([tmp_path / "nowhere"])
    with pytest.raises(InputError, match=r"nowhere cannot be read: No such file or directory"):
        load(tmp_path / "nowhere")


def test_for_a_file_its_directory_is_asked_for(tmp_path: Path) -> None:
    log = run_at(tmp_path) / "vm1.jsonl"
    with pytest.raises(InputError, match=r"vm1\.jsonl is a file: give the directory of the run"):
        find_runs([log])
    with pytest.raises(InputError, match=r"vm1\.jsonl is a file: give the directory of the run"):
        load(log)


def test_a_file_in_a_wrong_format_is_not_asked_for_its_directory(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    for format_name in ("", "shiviz"):
        with pytest.raises(InputError, match=r"notes\.txt is a file that was not recognised as a"):
            find_sources([tmp_path / "notes.txt"], format_name)


def test_a_path_that_cannot_be_looked_at_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"loop cannot be read: Too many levels of symbolic links"):
        find_runs([tmp_path / "loop"])
    with pytest.raises(InputError, match=r"xxx cannot be read: File name too long"):
        find_runs([tmp_path / ("x" * 300)])


@pytest.mark.parametrize("name", ["vm1.jsonl", "metrics.json", "a.log"])
def test_neither_links_nor_pipes_nor_devices_are_read(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.jsonl"
    run_at(tmp_path / "run")
    (tmp_path / "run" / "vm1.jsonl").rename(outside)
    for number, make in enumerate(
        (
            lambda path: path.symlink_to(outside),
            lambda path: path.symlink_to("/dev/zero"),
            os.mkfifo,
        )
    ):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        make(folder / name)
        with pytest.raises(InputError, match="holds no run"):
            find_runs([folder])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed_to_us_is_named(tmp_path: Path) -> None:
    closed = run_at(tmp_path / "lab" / "closed")
    closed.chmod(0)
    try:
        for path in (tmp_path, closed, closed / "within"):
            with pytest.raises(InputError, match=r"closed.* cannot be read: Permission denied"):
                find_runs([path])
    finally:
        closed.chmod(0o700)


@pytest.mark.parametrize("name", ["log_ann", "output.1"])
def test_logs_without_a_suffix_are_named_where_nothing_else_seems_to_be_a_log(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "Makefile").write_text("run:\n\tpython main.py --port 5001\n\nclean:\n")
    (tmp_path / "program").write_bytes(b"\x7fELF\0\x01\x02 1")
    with pytest.raises(InputError, match="no logs were found"):
        find_runs([tmp_path])
    (tmp_path / name).write_text("a line, 1\nanother, 2\n")
    with pytest.raises(InputError, match=f"its file {name} was not recognised as a log"):
        find_runs([tmp_path])
