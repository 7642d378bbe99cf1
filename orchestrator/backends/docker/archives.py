"""The files of containers, which the engine sends as archives."""

import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IFLNK, S_IFREG
from tarfile import TarInfo
from typing import IO, Any, cast

from docker.models.containers import Container

from orchestrator.backends.kept_logs import flaw
from orchestrator.backends.outcome import DISK_ERRORS
from vm.swarm.bundle import SIZE_HEADER


class _Stream(io.RawIOBase):
    """A file over an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def packed(name: str, content: bytes, mode: int, user: int = 0) -> bytes:
    """Return an archive of one file."""
    archived = io.BytesIO()
    with tarfile.open(fileobj=archived, mode="w") as archive:
        member = TarInfo(name)
        member.size, member.mode, member.uid = len(content), mode, user
        archive.addfile(member, io.BytesIO(content))
    return archived.getvalue()


def members(container: Container, path: str) -> Iterator[tuple[TarInfo, IO[bytes] | None]]:
    """Yield the entries at or below a path one after the other, with the contents of files."""
    answer: Any = container.get_archive(path)
    chunks = answer[0]
    # Closed early, the engine stops sending; until then it answers no other request on a container.
    with closing(chunks):
        yield from entries(cast(IO[bytes], _Stream(chunks)))


def entries(archived: IO[bytes]) -> Iterator[tuple[TarInfo, IO[bytes] | None]]:
    """Yield the entries of an archive one after the other, with the contents of files."""
    with tarfile.open(fileobj=archived, mode="r|") as archive:
        for member in archive:
            yield member, archive.extractfile(member) if member.isreg() else None


def keep(member: TarInfo, source: IO[bytes] | None, file: Path, limit: int) -> str:
    """Copy an entry to a file; return why it is not kept, or ""."""
    kind = S_IFREG if member.isreg() else S_IFLNK if member.issym() else 0
    size = int(member.pax_headers.get(SIZE_HEADER, member.size))
    if (problem := flaw(kind, size, limit)) or source is None:
        return problem
    try:
        with file.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        file.unlink(missing_ok=True)
        return f"is not kept, {file.absolute()}: {error.strerror}"
    return ""
