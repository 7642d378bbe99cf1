from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.backends.kept_logs import max_bytes, remove_flawed
from vm.files import logs_in
from vm.spec import Spec

LIMIT = 1000


def symlink(path: Path) -> None:
    path.symlink_to(path.with_name("other"))


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


def folder(path: Path) -> None:
    (path / "below").mkdir(parents=True)


@pytest.mark.parametrize(
    ("replace", "says"),
    [
        (symlink, "was replaced by a symbolic link"),
        (sparse, "has 10737418240 bytes, more than this run can write"),
        (folder, "was replaced by something that is no file"),
    ],
)
def test_what_no_machine_writes_is_removed_and_named(
    tmp_path: Path, replace: Callable[[Path], None], says: str
) -> None:
    (tmp_path / "other").write_text("mine\n")
    log = tmp_path / "vm1.jsonl"
    replace(log)
    assert remove_flawed(log, LIMIT) == says
    assert list(tmp_path.iterdir()) == [tmp_path / "other"]
    assert (tmp_path / "other").read_text() == "mine\n"


def test_a_log_stays_and_its_absence_is_named(tmp_path: Path) -> None:
    log = tmp_path / "vm1.jsonl"
    assert remove_flawed(log, LIMIT) == "is missing"
    log.write_text("x" * LIMIT)
    assert remove_flawed(log, LIMIT) == ""
    assert logs_in(tmp_path) == [log]


def test_the_limit_grows_with_what_a_run_can_write() -> None:
    short = Spec(machines=("vm1", "vm2"), duration_s=1).resolved()
    long = Spec(machines=("vm1", "vm2"), duration_s=1000).resolved()
    assert 1024**2 < max_bytes(short) < max_bytes(long) < 100 * 1024**2
