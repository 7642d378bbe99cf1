"""The completion scripts complete commands, options and values, in each shell that is installed."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.exports import EXPORTS
from orchestrator.backends import BACKENDS
from orchestrator.cli import SHELLS, _parser, main
from orchestrator.cli.completion import script
from vm.clocks import CLOCKS

COMMANDS = ("run", "analyse", "check", "export", "replay", "schema", "completion", "list", "doctor")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    shell: str = request.param
    return shell


def test_a_script_has_every_command_option_and_value(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    words = capsys.readouterr().out
    for word in (*COMMANDS, "backend", "verbose", *BACKENDS, *EXPORTS, *CLOCKS, "loky", *SHELLS):
        assert word in words


def test_a_script_is_valid_in_its_shell(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script(_parser(), shell))
    assert executed(shell, "-n", str(path)) == ""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["ana"], {"analyse"}),
        (["c"], {"check", "clean", "clocks", "completion"}),
        (["run", "--ver"], {"--verbose"}),
        (["run", "--backend", "s"], {"simulation", "swarm"}),
        (["run", "--pool", ""], {"loky", "dask", "ray"}),
        (["export", "--to", "p"], {"perfetto", "parquet"}),
        (["completion", ""], set(SHELLS)),
    ],
)
def test_bash_completes(words: Sequence[str], completed: set[str], tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script(_parser(), "bash"))
    typed = " ".join(f"'{word}'" for word in ("vklocks", *words))
    # As bash itself calls the function that `complete -p` names.
    lines = f"""
        source {path}
        function=$(complete -p vklocks | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=({typed}) COMP_CWORD={len(words)} COMPREPLY=()
        $function vklocks '{words[-1]}' ''
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert {word.strip() for word in executed("bash", "-c", lines).split()} == completed


def test_fish_completes(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script(_parser(), "fish"))
    asked = executed("fish", "-N", "-c", f"source {path}; complete -C 'vklocks run --backend s'")
    assert [line.split()[0] for line in asked.splitlines()] == ["simulation", "swarm"]


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bsh"]) == 2
    assert "invalid choice: 'bsh'; did you mean bash?" in capsys.readouterr().err


def executed(shell: str, *arguments: str) -> str:
    """Return the output of a shell, which must end with 0 and without errors."""
    if not (program := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    ended = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stderr == ""
    return ended.stdout
