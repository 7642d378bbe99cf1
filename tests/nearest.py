"""Print the test files nearest to the changes since the last commit, or to those of that commit.

`make quick` runs them. Tests mirror the packages: the tests of `vm/log.py` are in
`tests/vm/test_log.py`; for a module without such a file they are all those of its folder.
"""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = Path("tests")
#: Quick, and about every file.
ALWAYS = TESTS / "test_architecture.py"


def nearest(changed: Iterable[Path], root: Path = ROOT) -> list[Path]:
    """Return the test files nearest to changed files; all paths are relative to `root`."""
    found = {ALWAYS, *(test for path in changed for test in _tests_of(path, root))}
    return sorted(path for path in found if (root / path).exists())


def _tests_of(path: Path, root: Path) -> Iterator[Path]:
    if path.parts[0] == TESTS.name and path.name.startswith("test_"):
        yield path
        return
    folder = path.parent if path.parts[0] == TESTS.name else TESTS / path.parent
    if (root / folder / f"test_{path.stem}.py").exists():
        yield folder / f"test_{path.stem}.py"
        return
    while not (root / folder).is_dir():
        folder = folder.parent
    yield from (test.relative_to(root) for test in (root / folder).glob("test_*.py"))


def changes(root: Path = ROOT) -> list[Path]:
    """Return the files that differ from the last commit, or else the files of that commit."""
    for arguments in (
        ["status", "--porcelain", "--untracked-files=all", "--no-renames"],
        ["show", "--name-only", "--format=", "--no-renames"],
    ):
        command = ["git", "-c", "core.quotePath=off", *arguments]
        lines = subprocess.check_output(command, cwd=root, text=True).splitlines()
        if lines:
            names = [line[3:] if arguments[0] == "status" else line for line in lines]
            return [Path(name.strip('"')) for name in names]
    return []


if __name__ == "__main__":
    print(*nearest(changes()))
