"""When the machines' image is built again."""

from pathlib import Path

import pytest

from orchestrator.backends.docker import engine, image


def fingerprint(folder: Path) -> str:
    return image.fingerprint(image.read(folder, folder / "vm"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "vm" / "host").mkdir(parents=True)
    for name in (*image.RECIPE, "vm/a.py", "vm/host/b.py"):
        (tmp_path / name).write_text("x\n")
    return tmp_path


@pytest.mark.parametrize("name", ["Dockerfile", "requirements.lock", "vm/a.py", "vm/host/b.py"])
def test_whatever_goes_into_the_image_counts(checkout: Path, name: str) -> None:
    before = fingerprint(checkout)
    (checkout / name).write_text("y\n")
    assert fingerprint(checkout) != before


def test_names_count_too(checkout: Path) -> None:
    before = fingerprint(checkout)
    (checkout / "vm" / "a.py").rename(checkout / "vm" / "b.py")
    assert fingerprint(checkout) != before


def test_what_does_not_go_in_does_not_count(checkout: Path) -> None:
    before = fingerprint(checkout)
    (checkout / "README.md").write_text("x\n")
    (checkout / "vm" / "__pycache__").mkdir()
    (checkout / "vm" / "__pycache__" / "a.pyc").write_text("x\n")
    assert fingerprint(checkout) == before


@pytest.mark.docker
def test_an_image_that_fits_the_sources_is_not_built_again() -> None:
    lines: list[str] = []
    with engine.connected() as client:
        first = image.ensure(client, lines.append)
        lines.clear()
        assert image.ensure(client, lines.append) == first
    assert not lines


@pytest.mark.docker
def test_the_image_holds_what_a_machine_needs_and_no_more() -> None:
    with engine.connected() as client:
        image.ensure(client, str)
        code = (
            "import importlib.util as u; print([m for m in ('grpc', 'vm', 'proto', 'polars',"
            " 'docker', 'analysis', 'orchestrator', 'pytest') if u.find_spec(m)])"
        )
        output = client.containers.run(
            image.reference(), ["-c", code], entrypoint="python", remove=True, network_mode="none"
        )
    assert output.decode().strip() == "['grpc', 'vm']"
