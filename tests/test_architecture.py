"""The limits that keep the house in order; import arrows are checked by import-linter."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ROOT

PACKAGES = ("vm", "orchestrator", "analysis")
MAX_MODULES = 14
MAX_LINES = 60
MODULES = sorted(
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.parent.name != "generated"
)


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def test_no_package_has_too_many_modules_at_one_level() -> None:
    levels = defaultdict[Path, list[str]](list)
    for path in MODULES:
        if path.name != "__init__.py":
            levels[path.parent].append(path.name)
    assert {level: names for level, names in levels.items() if len(names) > MAX_MODULES} == {}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_function_is_too_long(path: Path) -> None:
    long = {
        node.name: lines
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > MAX_LINES
    }
    assert long == {}


def test_a_class_name_has_one_meaning() -> None:
    homes = defaultdict[str, list[str]](list)
    for path in MODULES:
        for node in definitions(path):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(str(path))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_tests_mirror_the_packages() -> None:
    known = {path.parent for path in MODULES}
    strays = {
        folder
        for package in PACKAGES
        for path in (ROOT / "tests" / package).rglob("test_*.py")
        if (folder := path.parent.relative_to(ROOT / "tests")) not in known
    }
    assert strays == set()
