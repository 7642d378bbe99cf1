"""Text files in every encoding, with every line end, compressed or not."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.history.run import InputError
from analysis.logs import texts

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")
ENDS = ("\n", "\r\n", "\r")
#: Text that every encoding holds. The German word is not ASCII, and not UTF-8 in Latin-1.
LINES = [f"{n} send to vm{n} clock={n}" for n in range(100)] + ["4 Empfänger: größer"]


def lines_of(file: Path) -> list[str]:
    with texts.opened(file) as text:
        return text.read().splitlines()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_read_in_any_form(
    tmp_path: Path, encoding: str, end: str, pack: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "vm1.log"
    file.write_bytes(pack(end.join([*LINES, ""]).encode(encoding)))
    assert lines_of(file) == LINES
    assert texts.head(file).splitlines() == LINES
    text, notes = texts.read(file)
    assert text == "\n".join([*LINES, ""])
    assert notes == (
        ("vm1.log is read as Latin-1: its bytes are not UTF-8",) if encoding == "latin-1" else ()
    )


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("encoding", ENCODINGS[:-1])
def test_bytes_in_utf_8_are_those_of_any_form(tmp_path: Path, encoding: str, end: str) -> None:
    file = tmp_path / "vm1.jsonl"
    file.write_bytes(end.join([*LINES, ""]).encode(encoding))
    with texts.opened_utf8(file) as content:
        read = content.read()
    assert read == texts.read_utf8(file)
    assert read.decode().splitlines() == LINES
    assert read.count(b"\n") == len(LINES)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))))
def test_any_text_in_utf_8_comes_back(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    file = tmp_path_factory.mktemp("texts") / "log"
    file.write_bytes("\n".join(lines).encode())
    text, notes = texts.read(file)
    # A mark at the beginning is no character.
    assert (text, notes) == ("\n".join(lines).removeprefix("\ufeff"), ())


def test_a_broken_byte_beside_characters_of_utf_8_is_damage_to_its_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes("größer\n".encode() + b"1\xff2\n" + "Straße\n".encode())
    assert texts.read(file) == ("größer\n1\ufffd2\nStraße\n", ())


def test_a_character_that_is_cut_at_the_end_does_not_change_the_others(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes("größer\nStraß".encode()[:-1])
    assert texts.read(file) == ("größer\nStra\ufffd", ())


def test_a_compressed_file_that_is_cut_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "vm1.log.gz"
    file.write_bytes(gzip.compress("\n".join(LINES).encode())[:-10])
    with pytest.raises(InputError, match=r"vm1\.log\.gz: its compressed content is damaged"):
        texts.read(file)


def test_what_is_before_the_damage_of_a_compressed_file_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "vm1.log.gz"
    whole = "\n".join(LINES)
    packed = gzip.compress(whole.encode())
    file.write_bytes(packed)
    with texts.opened(file) as text:
        assert (text.read(), texts.cut_off(text)) == (whole, "")
    file.write_bytes(packed[: len(packed) // 2])
    with texts.opened(file) as text:
        read = text.read()
        assert texts.cut_off(text).startswith("its compressed content is damaged: ")
    assert 100 < len(read) < len(whole)
    assert whole.startswith(read)
    assert texts.size(file) == len(read)
    assert texts.unreadable(file) == ""
    file.write_bytes(packed[:5])
    assert texts.unreadable(file).startswith("its compressed content is damaged: ")
    assert texts.head(file) == ""


def test_a_compressed_file_has_the_size_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "vm1.log.gz"
    file.write_bytes(gzip.compress(bytes(100_000)))
    assert texts.size(file) == 100_000
    monkeypatch.setattr(texts, "MAX_TEXT_BYTES", 99_999)
    with pytest.raises(InputError, match="compressed content has more than 99,999 bytes"):
        texts.size(file)


def test_the_name_of_a_machine_is_that_of_its_file_without_suffixes() -> None:
    names = ("vm1.log", "vm1.log.gz", "a.b.jsonl", "vm1.gz", "vm1")
    assert [texts.stem(Path(name)) for name in names] == ["vm1", "vm1", "a.b", "vm1", "vm1"]
