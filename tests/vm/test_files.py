"""Files in folders of somebody else: what is read, and where is written."""

import json
import os
from pathlib import Path

import pytest

from vm import files


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("real.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    read = {path.stem: files.read_json(path) for path in tmp_path.iterdir()}
    assert read == {"real": {}} | dict.fromkeys(("link", "zero", "pipe", "folder"))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "[1]", "{", "\ud800"])
def test_json_that_is_no_object_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode(errors="surrogatepass"))
    assert files.read_json(tmp_path / "a.json") is None


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="longer than 4 bytes"):
        files.read_bytes(tmp_path / "a", 4)


def test_logs_are_regular_files(tmp_path: Path) -> None:
    (tmp_path / "vm1.jsonl").touch()
    (tmp_path / "vm2.jsonl").symlink_to("vm1.jsonl")
    os.mkfifo(tmp_path / "vm3.jsonl")
    assert files.logs_in(tmp_path) == [tmp_path / "vm1.jsonl"]


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
@pytest.mark.parametrize("name", ["a.json", f".a.json.{os.getpid()}"], ids=["file", "temporary"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str, link: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    getattr(tmp_path / name, link)(outside)
    files.write_json(tmp_path / "a.json", {"a": 1})
    assert outside.read_text() == "precious"
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert not (tmp_path / "a.json").is_symlink()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "charts")
    files.make_folder(tmp_path / "charts")
    (tmp_path / "link").symlink_to("charts")
    with pytest.raises(OSError, match="it is a link"):
        files.make_folder(tmp_path / "link")


def test_names_are_printable_text_whatever_their_bytes(tmp_path: Path) -> None:
    assert files.name_of(Path(os.fsdecode(b"/a/\xff\x1b"))) == "\\udcff\\x1b"


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"why": "\udcff"})
    assert files.read_json(tmp_path / "a.json") == {"why": "\udcff"}
