"""`vklocks image`: the name of the image, and its archive."""

import tarfile
from pathlib import Path

import pytest

from orchestrator.backends.docker import image
from orchestrator.cli import main


def test_the_name_needs_no_engine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert main(["image", "name"]) == 0
    assert capsys.readouterr().out == f"{image.reference()}\n"


@pytest.mark.parametrize("action", ["name", "build"])
def test_only_save_has_a_file(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", action, "-o", "file.tar"]) == 2
    assert f"-o: image {action} writes no archive" in capsys.readouterr().err


@pytest.mark.docker
def test_the_archive_holds_the_image_by_its_name(tmp_path: Path) -> None:
    assert main(["image", "save", "-o", str(tmp_path / "vm.tar")]) == 0
    with tarfile.open(tmp_path / "vm.tar") as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert image.reference().encode() in manifest.read()


@pytest.mark.parametrize(
    ("option", "value"), [("--place", "vm1=a"), ("--image", "x"), ("--encrypt", "")]
)
def test_options_of_a_swarm_are_refused_elsewhere(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [option, value] if value else [option]
    assert main(["run", "--backend", "simulation", *words]) == 2
    assert f"{option} is for --backend swarm" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["vm1", "=a", "vm1=", "vm1=a,vm1=b"])
def test_a_place_is_a_machine_and_a_node(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--backend", "swarm", "--place", value]) == 2
    assert "--place" in capsys.readouterr().err
