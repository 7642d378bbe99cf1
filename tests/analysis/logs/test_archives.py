"""Logs in .zip archives: found like those of folders, under limits, without a trace."""

import os
import stat
import tempfile
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from analysis.evaluation import evaluate
from analysis.history.run import InputError
from analysis.logs import archives
from analysis.logs.finding import Source, find_runs
from by_hand import internal, write_run

LOGS = {"vm1": [internal(10, 1)], "vm2": [internal(20, 1), internal(30, 2)]}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(archive: Path, folder: Path) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(archive, "w") as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder))
    return archive


def states(sources: list[Source]) -> dict[str, str]:
    return {run.name: evaluate(run).verdict.state for one in sources for run in one.load()}


def test_a_run_in_an_archive_is_judged_like_the_run(tmp_path: Path, temporary: Path) -> None:
    run = write_run(tmp_path / "runs" / "one", LOGS)
    sources = find_runs([zipped(tmp_path / "one.zip", run)])
    (packed,) = sources[0].load()
    (plain,) = find_runs([run])[0].load()
    assert packed.events.drop("run").equals(plain.events.drop("run"))
    assert (packed.name, {*packed.events["run"]}) == ("one.zip", {"one.zip"})
    assert evaluate(packed).verdict.state == evaluate(plain).verdict.state
    assert [*temporary.iterdir()]
    del sources
    assert not [*temporary.iterdir()]


def test_archives_are_searched_like_folders_however_deep(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / "runs" / name, LOGS)
    inner = zipped(tmp_path / "packed" / "inner.zip", tmp_path / "runs")
    zipped(tmp_path / "all" / "outer.zip", inner.parent)
    write_run(tmp_path / "all" / "c", LOGS)
    found = find_runs([tmp_path / "all"])
    assert [one.path.name for one in found] == [
        "c",
        "outer.zip:inner.zip:a",
        "outer.zip:inner.zip:b",
    ]
    assert [*states(found)] == ["c", "outer.zip:inner.zip:a", "outer.zip:inner.zip:b"]


def test_an_archive_beside_logs_is_not_searched_and_one_without_logs_is_reported(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "one" / "logs", LOGS)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("print(1)")
    zipped(tmp_path / "one" / "code.zip", tmp_path / "code")
    assert [one.path for one in find_runs([tmp_path / "one"])] == [run]
    zipped(tmp_path / "all" / "ann.zip", run)
    zipped(tmp_path / "all" / "ben.zip", tmp_path / "code")
    ann, ben = find_runs([tmp_path / "all"])
    assert ann.is_run
    with pytest.raises(InputError, match=r"ben\.zip: no logs were found in it"):
        ben.load()


@pytest.mark.parametrize(
    "name", ["../out.jsonl", "a/../../out.jsonl", "/out.jsonl", "..\\out.jsonl"]
)
def test_nothing_is_written_outside_the_temporary_folder(
    tmp_path: Path, temporary: Path, name: str
) -> None:
    with ZipFile(tmp_path / "bad.zip", "w") as packed:
        packed.writestr(ZipInfo(name), "{}")
    with pytest.raises(InputError, match=r"bad\.zip: its entry '.*' leads out of it"):
        find_runs([tmp_path / "bad.zip"])
    assert not [*temporary.iterdir()]
    assert {path.name for path in tmp_path.iterdir()} == {"bad.zip", "temporary"}


def test_links_and_hidden_files_are_left_out(tmp_path: Path, temporary: Path) -> None:
    link = ZipInfo("vm1.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with ZipFile(tmp_path / "links.zip", "w") as packed:
        packed.writestr(link, os.devnull)
        packed.writestr("__MACOSX/vm2.jsonl", '{"kind": "start"}')
        packed.writestr(".git/vm3.jsonl", '{"kind": "start"}')
    with pytest.raises(InputError, match="no logs were found in it"):
        find_runs([tmp_path / "links.zip"])


@pytest.mark.parametrize(
    ("limit", "most", "problem"),
    [
        ("MAX_ENTRIES", 1, r"one\.zip: archives with more than 1 entries"),
        ("MAX_UNPACKED_BYTES", 100, r"one\.zip: archives with more than 100 bytes"),
    ],
)
def test_an_archive_is_unpacked_under_limits(
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    most: int,
    problem: str,
) -> None:
    archive = zipped(tmp_path / "one.zip", write_run(tmp_path / "one", LOGS))
    monkeypatch.setattr(archives, limit, most)
    with pytest.raises(InputError, match=problem):
        find_runs([archive])
    assert not [*temporary.iterdir()]


def test_a_damaged_archive_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    run = write_run(tmp_path / "one", LOGS)
    content = zipped(tmp_path / "all" / "ann.zip", run).read_bytes()
    (tmp_path / "all" / "ben.zip").write_bytes(content[: len(content) // 2])
    ann, ben = find_runs([tmp_path / "all"])
    assert [*states([ann])] == ["ann.zip"]
    with pytest.raises(InputError, match=r"ben\.zip cannot be unpacked"):
        ben.load()


def test_a_problem_in_an_archive_names_the_archive(tmp_path: Path, temporary: Path) -> None:
    run = write_run(tmp_path / "one", LOGS)
    log = run / "vm1.jsonl"
    log.write_text(log.read_text() * 2)
    (source,) = find_runs([zipped(tmp_path / "one.zip", run)])
    with pytest.raises(InputError) as caught:
        source.load()
    assert str(temporary) not in str(caught.value)
    assert f"{tmp_path / 'one.zip'}/vm1.jsonl" in str(caught.value)
