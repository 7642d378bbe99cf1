from importlib.util import find_spec
from pathlib import Path

import fsspec
import pytest

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner.pools import store
from vm.options import UsageError

CONTENTS = {"run.json": b"{}", "vm1.jsonl": b"log", "vm2.jsonl": b""}


def test_any_file_system_of_fsspec_is_a_store() -> None:
    store.check("memory://store")
    store.put("memory://store", "run", CONTENTS)
    store.put("memory://store", "run", CONTENTS)
    system = fsspec.filesystem("memory")
    stored = {name.rpartition("/")[2]: system.cat(name) for name in system.find("/store/run")}
    assert stored == CONTENTS


def test_the_file_that_makes_a_run_complete_comes_last(tmp_path: Path) -> None:
    # A folder of this name, which no file can replace.
    (tmp_path / "run" / "vm2.jsonl" / "full").mkdir(parents=True)
    with pytest.raises(EnvironmentProblem, match=r"^--store: 'file:///.*Is a directory"):
        store.put(f"file://{tmp_path}", "run", CONTENTS)
    assert (tmp_path / "run" / "vm1.jsonl").exists()
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("folder", "'folder' is not a URL: file:///folder, "),
        ("", "'' is not a URL"),
        ("nothing://folder", "'nothing://folder': Protocol not known: nothing"),
        ("\x1b[2J://x", r"'\x1b[2J://x': Protocol not known"),
    ],
)
def test_a_wrong_url_is_refused(url: str, problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        store.check(url)
    assert str(refused.value).startswith(f"--store: {problem}")
    assert "\x1b" not in str(refused.value)


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_the_package_of_a_file_system_is_named() -> None:
    with pytest.raises(EnvironmentProblem, match="Install s3fs to access S3"):
        store.check("s3://bucket/folder")
