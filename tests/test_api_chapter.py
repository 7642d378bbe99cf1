"""The blocks of docs/07-python.md, executed in order; a `text` block is the exact output.

As in a notebook, the value of a block's last expression is printed.
"""

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

import vklocks
from cluster import ROOT

CHAPTER = (ROOT / "docs" / "07-python.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def execute(code: str, names: dict[str, Any]) -> str:
    """Execute a block; return its output."""
    *body, last = ast.parse(code).body
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "block", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "block", "eval"), names)
            if value is not None:
                print(value)
        else:
            exec(code, names)
    return output.getvalue()


def test_every_block_gives_the_output_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(CHAPTER)
    assert len(blocks) == CHAPTER.count("```python")
    shown = [(code, execute(code, names)) for code, _ in blocks]
    wrong = [
        (code, output)
        for (code, output), (_, text) in zip(shown, blocks, strict=True)
        if output != text
    ]
    assert wrong == []


@pytest.mark.parametrize("name", sorted({*vklocks.__all__} - {"__version__"}))
def test_every_public_name_is_in_the_chapter(name: str) -> None:
    assert re.search(rf"\b{name}\b", CHAPTER)
