"""The code blocks of the documentation work as a reader types them.

All blocks of a page are executed in order, in one folder with a copy of `experiments/`:

    ```sh              commands, which succeed unless a comment states `# exit code 1`
    ```console         the output of the commands in the block before; `...` stands for the rest
                       of a line, or, alone on a line, for any lines
    ```python          code; all blocks of a page share their names
    ```json FILE       a part of that file
    ```LANGUAGE FILE   any other block with a file's name is written to that file
    ```text            output of machines in wall time, and sketches: not executed

Runs in wall time last SHORT_S seconds, ports are free ones, and runs in containers are executed
by a test of their own, which needs an engine.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cluster import ROOT
from loopback import free_ports
from orchestrator.cli import main as vklocks
from pages import PAGES, Block, blocks, name_of

SHORT_S = 1
LIMIT_S = 120
#: The page whose blocks `test_extending.py` executes.
OWN_TEST = "docs/extending.md"
WITH_CODE = [page for page in PAGES if name_of(page) != OWN_TEST and any(blocks(page))]
NOT_EXECUTED = ("text",)
EXIT_CODE = re.compile(r"# exit code (\d+)$")
#: Commands that a test of their own executes, or that would change the checkout.
ELSEWHERE = re.compile(
    r"docker compose (up|logs)\b|make [a-z]+\b|(\. )?\.venv/bin/(activate|pip)\b"
)


class Folder:
    """The folder in which the blocks of a page are executed."""

    def __init__(self, path: Path, cleanup: ExitStack) -> None:
        self.path = path
        self.names: dict[str, Any] = {}
        self.output = ""
        self._cleanup = cleanup
        self._machines: list[subprocess.Popen[str]] = []
        self._ports: dict[str, int] = {}
        shutil.copytree(ROOT / "experiments", path / "experiments")

    def execute(self, block: Block) -> None:
        match block.language, block.file:
            case "sh", "":
                self.output = "".join(map(self._command, commands(block)))
            case "console", "":
                assert shows(block.text, self.output), f"{block.place}: printed\n{self.output}"
            case "python", "":
                exec(compile(block.text, block.place, "exec"), self.names)
            case "json", file if file:
                real = json.loads((self.path / file).read_text())
                assert contains(real, json.loads(block.text)), f"{block.place}: {file} differs"
            case _, file if file:
                (self.path / file).parent.mkdir(parents=True, exist_ok=True)
                (self.path / file).write_text(block.text)
            case language, _:
                assert language in NOT_EXECUTED, f"{block.place}: mark it as text or name its file"

    def end(self) -> None:
        """Wait for the machines that run in the background."""
        for machine in self._machines:
            printed, _ = machine.communicate(timeout=LIMIT_S)
            assert machine.returncode == 0, printed
        self._machines.clear()

    def _command(self, command: str) -> str:
        """Execute a command and return its output; a machine runs in the background."""
        if ELSEWHERE.search(command) or is_in_containers(command):
            return ""
        if is_machine(command):
            self._machines.append(self._start(command))
            return ""
        self.end()
        code, printed = self._vklocks(command) if is_vklocks(command) else self._other(command)
        expected = EXIT_CODE.search(command)
        assert code == int(expected[1] if expected else 0), f"{command}\n{printed}"
        return printed

    def _vklocks(self, command: str) -> tuple[int, str]:
        """Execute `vklocks` in this process, which has imported it already."""
        words = shlex.split(self._shortened(command), comments=True)[1:]
        arguments = [path for word in words for path in found(word)]
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            code = vklocks(arguments)
        return code, printed.getvalue()

    def _other(self, command: str) -> tuple[int, str]:
        process = self._start(command)
        printed, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, printed

    def _start(self, command: str) -> subprocess.Popen[str]:
        programs = Path(sys.executable).parent
        process = subprocess.Popen(
            ["bash", "-c", self._shortened(command)],
            cwd=self.path,
            env={
                **os.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._cleanup.enter_context(process)
        self._cleanup.callback(process.kill)
        return process

    def _shortened(self, command: str) -> str:
        command = command.replace(".venv/bin/", "")
        if is_in_wall_time(command):
            command = with_duration(command)
        return re.sub(r"\b500\d\d\b", lambda port: self._free(port[0]), command)

    def _free(self, port: str) -> str:
        return str(self._ports.setdefault(port, free_ports(1)[0]))


def commands(block: Block) -> Iterator[str]:
    for line in block.text.replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            yield line


def found(word: str) -> list[str]:
    """Return the paths that a pattern matches, or any other word itself."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def is_machine(command: str) -> bool:
    return " -m vm " in command


def is_vklocks(command: str) -> bool:
    """Return whether a command is `vklocks` and needs no shell."""
    return command.removeprefix(".venv/bin/").startswith("vklocks ") and "|" not in command


def is_in_containers(command: str) -> bool:
    return bool(re.search(r"\bvklocks run\b", command)) and "--backend" not in command


def is_in_wall_time(command: str) -> bool:
    return is_machine(command) or bool(re.search(r"--backend (processes|containers)", command))


def with_duration(command: str) -> str:
    command, _, comment = command.partition("#")
    return re.sub(r" --duration \S+", "", command) + f" --duration {SHORT_S}  #{comment}"


def shows(shown: str, printed: str) -> bool:
    """Return whether a block shows what was printed; `...` stands for omitted text."""
    parts = [re.escape(line.rstrip()) for line in shown.strip("\n").splitlines()]
    lines = [r"(?:[^\n]*\n)*?" if part == r"\.\.\." else f"{part}\n" for part in parts]
    pattern = "".join(lines).replace(r"\.\.\.", r"[^\n]*")
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    return bool(re.fullmatch(pattern, text))


def contains(real: Any, shown: Any) -> bool:
    """Return whether JSON values hold everything that a page shows of them."""
    if isinstance(shown, dict):
        return all(key in real and contains(real[key], value) for key, value in shown.items())
    if isinstance(shown, list):
        return len(real) == len(shown) and all(map(contains, real, shown))
    return bool(real == shown)


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_works(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as cleanup:
        folder = Folder(tmp_path, cleanup)
        for block in blocks(page):
            folder.execute(block)
        folder.end()


IN_CONTAINERS = {
    f"{block.place}: {command}": command
    for page in WITH_CODE
    for block in blocks(page)
    if block.language == "sh"
    for command in commands(block)
    if is_in_containers(command)
}


@pytest.mark.docker
@pytest.mark.parametrize("command", IN_CONTAINERS.values(), ids=IN_CONTAINERS)
def test_a_command_with_containers_works(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as cleanup:
        folder = Folder(tmp_path, cleanup)
        folder.execute(Block("sh", "", with_duration(f"{command} --backend containers"), "docker"))
    assert list((tmp_path / "runs").glob("*/*/report.html"))


def test_every_other_command_is_executed_by_a_test_of_its_own_or_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    services = re.findall(r"^  (\w+):$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    for page in WITH_CODE:
        for block in blocks(page):
            for command in commands(block) if block.language == "sh" else ():
                words = shlex.split(command, comments=True)
                if words[0] == "make":
                    assert set(words[1:]) <= targets, block.place
                if "logs" in words[:3]:
                    assert words[-1] in services, block.place


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("...\nc\n", "a\nb\nc\n", True),
        ("a 1\n", "a 2\n", False),
        ("a ... c\n", "a b c  \n", True),
        ("a\n...\nc\n", "a\nc\n", True),
    ],
)
def test_three_dots_stand_for_omitted_text_only(shown: str, printed: str, expected: bool) -> None:
    assert shows(shown, printed) == expected
