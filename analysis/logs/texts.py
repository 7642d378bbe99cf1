"""Text files of unknown origin: encoding, line ends and compression, for all importers.

A file is UTF-8 or UTF-16, with or without a byte order mark, or else Latin-1, in which every byte
is a character. Lines end with `\\n`, `\\r\\n` or `\\r`. A file that gzip compressed is read as its
content, whatever its name is.
"""

import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from io import BufferedReader, BytesIO, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from analysis.history.run import HEAD_BYTES, InputError
from analysis.logs.limits import MAX_TEXT_BYTES
from vm.files import open_regular, read_bytes
from vm.quoting import escaped

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LATIN_1 = "latin-1"
GZIP = b"\x1f\x8b"
GZIP_SUFFIX = ".gz"
#: The suffixes of text files that programs write.
SUFFIXES = (
    *(".log", ".txt", ".text", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".out", ".err"),
    *(".dat", ".data", ".trace", ".md", ".psv", ".tab", ".lab", ".diary", ".logs", ".output"),
)
MARKS = {BOM_UTF8: "utf-8-sig", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}
#: In UTF-16 without a mark, at least this share of one half of the bytes is zero, and none of the
#: other half: the text is mostly ASCII.
MIN_ZEROS = 0.9
#: What decoding puts in the place of invalid bytes.
REPLACEMENT = "\ufffd"
BLOCK_BYTES = 1 << 20


def head(file: Path) -> str:
    """Return the first characters of a file, with `\\n` as line ends, to recognise its format."""
    # Virtual files of the kernel have size 0, and may have no end.
    if not file.stat().st_size:
        return ""
    with _content(file) as content:
        try:
            begin = content.read(HEAD_BYTES)
        except InputError:
            # Loading the file gives the reason; see `unreadable`, too.
            return ""
    text = begin.decode(_encoding([begin]), errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unreadable(file: Path) -> str:
    """Return why nothing of a file can be read, or ""."""
    with _content(file) as content:
        try:
            content.read(1)
        except InputError as error:
            return str(error).removeprefix(f"{file}: ")
    return ""


@contextmanager
def opened(file: Path) -> Iterator[TextIOWrapper]:
    """Open a file as text with `\\n` as line ends; its attribute `encoding` may be LATIN_1.

    Damaged compressed content ends where it cannot be read: see `cut_off`. InputError if nothing
    of it can be read, or if it is longer than MAX_TEXT_BYTES.
    """
    with _content(file) as content:
        encoding = _encoding(iter(lambda: content.read(BLOCK_BYTES), b""))
    with (
        _content(file) as content,
        TextIOWrapper(content, encoding, errors="replace") as text,
    ):
        yield text


def cut_off(content: TextIOWrapper | BinaryIO) -> str:
    """Return why a file that was opened and read here ends too early, or ""."""
    buffer = content.buffer if isinstance(content, TextIOWrapper) else content
    raw = buffer.raw if isinstance(buffer, BufferedReader) else None
    return raw.problem if isinstance(raw, _Unzipped) else ""


def read(file: Path) -> tuple[str, tuple[str, ...]]:
    """Return a whole file as text with `\\n` as line ends, and notes on its encoding.

    InputError if a part of it cannot be read.
    """
    with opened(file) as text:
        content = text.read()
        _check_whole(file, text)
        return content, notes(file, text)


def _check_whole(file: Path, content: TextIOWrapper | BinaryIO) -> None:
    if problem := cut_off(content):
        raise InputError(f"{file}: {problem}")


@contextmanager
def opened_utf8(file: Path) -> Iterator[BinaryIO]:
    """Open a file as bytes in UTF-8 without a mark, with a `\\n` in every line end.

    Nearly all files are so, and cost nothing here; invalid bytes stay as they are.
    """
    with _content(file) as content:
        begin = content.peek(1)
        encoding = _by_beginning(begin)
        if encoding == "utf-8-sig":
            content.read(len(BOM_UTF8))
        if (encoding or "utf-8-sig") == "utf-8-sig" and (b"\n" in begin or b"\r" not in begin):
            yield content
            return
    yield BytesIO(read(file)[0].encode())


def read_utf8(file: Path) -> bytes:
    """Return a whole file as `opened_utf8` opens it; OSError beyond MAX_TEXT_BYTES.

    InputError if a part of it cannot be read.
    """
    with opened_utf8(file) as content:
        if isinstance(content, BufferedReader) and not isinstance(content.raw, _Unzipped):
            return read_bytes(file, MAX_TEXT_BYTES)[content.tell() :]
        every = content.read()
        _check_whole(file, content)
        return every


def notes(file: Path, text: TextIOWrapper) -> tuple[str, ...]:
    """Return notes on the encoding of an opened file, if it is a guess."""
    if text.encoding != LATIN_1:
        return ()
    return (f"{escaped(file.name)} is read as Latin-1: its bytes are not UTF-8",)


def size(file: Path) -> int:
    """Return the bytes of a file, or of its content if gzip compressed it."""
    with _content(file) as content:
        if not isinstance(content.raw, _Unzipped):
            return file.stat().st_size
        return sum(map(len, iter(lambda: content.read(BLOCK_BYTES), b"")))


def unpacked_name(file: Path) -> Path:
    """Return the name that a file has without compression: that of vm1.log.gz is vm1.log."""
    return Path(file.stem if file.suffix.lower() == GZIP_SUFFIX else file.name)


def stem(file: Path) -> str:
    """Return the name of a file without its suffix, as the name of a machine: that of vm1.log.gz
    is vm1. What is no suffix of logs belongs to the name, as in node.1."""
    plain = unpacked_name(file)
    return escaped(plain.stem if plain.suffix.lower() in SUFFIXES else plain.name)


@contextmanager
def _content(file: Path) -> Iterator[BufferedReader]:
    with open_regular(file) as there:
        if there.peek(len(GZIP))[: len(GZIP)] != GZIP:
            yield there
            return
        with GzipFile(fileobj=there) as packed:
            yield BufferedReader(_Unzipped(file, packed))


class _Unzipped(RawIOBase):
    """The content of a compressed file, under the limit of all texts.

    It ends where it is damaged, and `problem` is the reason. InputError if nothing can be read.
    """

    def __init__(self, file: Path, packed: GzipFile) -> None:
        self._file = file
        self._packed = packed
        self._left = MAX_TEXT_BYTES
        self.problem = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer)
        try:
            # A read of the full length would lose what is before the damage.
            read = self._packed.read1(len(room))
        except (BadGzipFile, EOFError, zlib.error) as error:
            self.problem = f"its compressed content is damaged: {error}"
            if self._left == MAX_TEXT_BYTES:
                raise InputError(f"{self._file}: {self.problem}") from None
            return 0
        self._left -= len(read)
        if self._left < 0:
            problem = f"its compressed content has more than {MAX_TEXT_BYTES:,} bytes"
            raise InputError(f"{self._file}: {problem}")
        room[: len(read)] = read
        return len(read)


def _encoding(blocks: Iterable[bytes]) -> str:
    """Return the encoding of a text, by its first block or else by the first invalid one."""
    decoder = getincrementaldecoder("utf-8")()
    known, is_ascii = "", True
    for number, block in enumerate(blocks):
        if not number and (known := _by_beginning(block)):
            return known
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return LATIN_1 if is_ascii and _is_latin(block) else "utf-8"
        is_ascii &= block.isascii()
    return "utf-8"


def _is_latin(block: bytes) -> bool:
    """Return whether more characters beyond ASCII are invalid in UTF-8 than valid."""
    text = block.decode(errors="replace")
    beyond = sum(not part.isascii() for part in text)
    return beyond < 2 * text.count(REPLACEMENT)


def _by_beginning(block: bytes) -> str:
    for mark, encoding in MARKS.items():
        if block.startswith(mark):
            return encoding
    pairs = len(block) // 2
    zeros = [block[half::2][:pairs].count(0) for half in (0, 1)]
    for half, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if pairs and zeros[half] >= MIN_ZEROS * pairs and not zeros[1 - half]:
            return encoding
    return ""
