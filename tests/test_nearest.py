"""`make quick` runs the tests nearest to the changed files."""

import subprocess
from pathlib import Path

import pytest

from nearest import ALWAYS, changes, nearest


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("vm/log.py", {"tests/vm/test_log.py"}),
        ("tests/vm/test_log.py", {"tests/vm/test_log.py"}),
        ("vm/clocks/vector.py", {"tests/vm/test_clocks.py"}),
        ("vm/gone.py", {"tests/vm/test_log.py", "tests/vm/test_clocks.py"}),
        ("tests/histories.py", {"tests/test_readme.py"}),
        ("README.md", {"tests/test_readme.py"}),
    ],
)
def test_each_file_has_its_nearest_tests(tmp_path: Path, changed: str, tests: set[str]) -> None:
    for path in (*map(str, [ALWAYS]), "tests/vm/test_log.py", "tests/vm/test_clocks.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "tests/test_readme.py").touch()
    found = set(map(str, nearest([Path(changed)], tmp_path)))
    assert found - {str(ALWAYS)} >= tests
    assert str(ALWAYS) in found
    if not changed.endswith("gone.py") and "clocks" not in changed:
        assert found == {str(ALWAYS), *tests}


def test_changes_are_those_since_the_last_commit_or_of_it(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "one é.py").touch()
    git("add", ".")
    git("commit", "-m", "one")
    assert changes(tmp_path) == [Path("one é.py")]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "and two.py").touch()
    assert changes(tmp_path) == [Path("new/and two.py")]
