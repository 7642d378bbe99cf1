"""`vklocks key`: a file for its owner only, that is never written over, and that machines take."""

from pathlib import Path

import pytest

from orchestrator.cli import main
from vm.host.arguments import read_settings


def test_a_key_is_written_once_and_for_its_owner_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.key"
    assert main(["key", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    written = file.read_bytes()
    printed = capsys.readouterr().out
    assert printed == f"{file}: copy it to each computer, and start each machine with --key FILE\n"
    assert main(["key", str(file)]) == 2
    problem = capsys.readouterr().err
    assert problem == f"vklocks: FILE: {file} exists: name another file, or remove it\n"
    assert file.read_bytes() == written
    settings = read_settings(["vm1", "--port", "1", "--key", str(file)])
    assert settings.key.content == written.strip()
    assert settings.key.encrypts


def test_a_folder_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none" / "run.key"
    assert main(["key", str(file)]) == 2
    problem = capsys.readouterr().err
    assert problem == f"vklocks: FILE: {file} cannot be written: No such file or directory\n"
