"""A reader who types the code blocks of a page, in their order, in one folder.

    ```sh              commands, which succeed unless a comment states `# exit code 1`
    ```console         the output of the commands in the last such block; `...` stands for the
                       rest of a line, or, alone on a line, for any lines
    ```python          code; all blocks of a page share their names
    ```json FILE       a part of that file
    ```diff FILE       a change of that file: context, new lines (+), removed lines (-), `@@`
                       between two places
    ```LANGUAGE FILE   any other block with a file's name is written to that file
    ```text            output of machines in wall time, and sketches: not executed

Runs in wall time last SHORT_S seconds, and ports are free ones. Commands of Docker and make, and
runs in containers, are left to other tests.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from cluster import ROOT
from loopback import free_ports
from orchestrator.cli import main as vklocks
from pages import Block

SHORT_S = 1
LIMIT_S = 120
EXIT_CODE = re.compile(r"# exit code (\d+)$")
ELSEWHERE = re.compile(
    r"(\w+=\S+ )*(docker compose (up|logs)\b|make [a-z]+\b)|\. \.venv/bin/activate$"
)
PROGRAM = f'#!/bin/sh\nexec "{sys.executable}" -P -m orchestrator "$@"\n'


class Reader:
    """Types blocks in a folder; `checkout` is the code that its programs execute.

    With a checkout of its own, `vklocks` is a process; otherwise this process executes it.
    """

    def __init__(self, folder: Path, cleanup: ExitStack, checkout: Path = ROOT) -> None:
        self._folder = folder
        self._checkout = checkout
        self._cleanup = cleanup
        self._names: dict[str, Any] = {}
        self._output = ""
        self._machines: list[subprocess.Popen[str]] = []
        self._ports: dict[str, int] = {}
        self._programs = folder / ".programs"
        self._programs.mkdir()
        (self._programs / "vklocks").write_text(PROGRAM)
        (self._programs / "vklocks").chmod(0o755)

    def execute(self, block: Block) -> None:
        match block.language, block.file:
            case "sh", "":
                self._output = "".join(map(self._command, commands(block)))
            case "console", "":
                assert shows(block.text, self._output), f"{block.place}: printed\n{self._output}"
            case "python", "":
                exec(compile(block.text, block.place, "exec"), self._names)
            case "json", file if file:
                real = json.loads((self._folder / file).read_text())
                assert contains(real, json.loads(block.text)), f"{block.place}: {file} differs"
            case "diff", file if file:
                path = self._folder / file
                path.write_text(changed(path.read_text(), block))
            case _, file if file:
                (self._folder / file).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / file).write_text(block.text)
            case language, _:
                assert language == "text", f"{block.place}: mark it as text, or name its file"

    def end(self) -> None:
        """Wait for the machines that run in the background."""
        for machine in self._machines:
            printed, _ = machine.communicate(timeout=LIMIT_S)
            assert machine.returncode == 0, printed
        self._machines.clear()

    def _command(self, command: str) -> str:
        """Execute a command and return its output; a machine runs in the background."""
        if ELSEWHERE.match(command) or is_in_containers(command):
            return ""
        if is_machine(command):
            self._machines.append(self._start(command))
            return ""
        self.end()
        is_here = self._checkout == ROOT and is_vklocks(command)
        code, printed = self._here(command) if is_here else self._process(command)
        expected = EXIT_CODE.search(command)
        assert code == int(expected[1] if expected else 0), f"{command}\n{printed}"
        return printed

    def _here(self, command: str) -> tuple[int, str]:
        words = shlex.split(self._shortened(command), comments=True)[1:]
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            code = vklocks([path for word in words for path in found(word)])
        return code, printed.getvalue()

    def _process(self, command: str) -> tuple[int, str]:
        process = self._start(command)
        printed, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, printed

    def _start(self, command: str) -> subprocess.Popen[str]:
        programs = f"{self._programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = subprocess.Popen(
            ["bash", "-c", self._shortened(command)],
            cwd=self._folder,
            env={**os.environ, "PATH": programs, "PYTHONPATH": str(self._checkout)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._cleanup.enter_context(process)
        self._cleanup.callback(process.kill)
        return process

    def _shortened(self, command: str) -> str:
        command = command.replace(".venv/bin/", "")
        if is_machine(command) or re.search(r"--backend (processes|containers)", command):
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
    return bool(re.match(r"(\.venv/bin/)?vklocks [^|>]*$", command))


def is_in_containers(command: str) -> bool:
    return bool(re.search(r"\bvklocks run\b", command)) and "--backend" not in command


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


def changed(text: str, diff: Block) -> str:
    """Apply a diff to the text of a file, in which each of its places occurs once."""
    for hunk in re.split(r"^@@\n", diff.text, flags=re.MULTILINE):
        lines = [(line[:1], line[1:]) for line in hunk.splitlines()]
        before = "".join(f"{line}\n" for sign, line in lines if sign != "+")
        after = "".join(f"{line}\n" for sign, line in lines if sign != "-")
        places = re.findall(rf"(?=\n{re.escape(before)})", f"\n{text}")
        assert len(places) == 1, f"{diff.place}: not once there:\n{before}"
        text = f"\n{text}".replace(f"\n{before}", f"\n{after}", 1)[1:]
    return text
