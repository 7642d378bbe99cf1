"""Archives of folders, such as submissions: they are unpacked to a temporary folder and searched.

An archive may come from a stranger. All archives of one search share limits of entries and bytes;
an entry with a path that leads out of its archive is refused; links are left out.

The logs of a run that lie in a folder for each machine are gathered in a temporary folder, too.
"""

import shutil
import stat
import struct
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from zipfile import BadZipFile, ZipFile, ZipInfo

from analysis.history.run import InputError
from analysis.logs.limits import MAX_ENTRIES, MAX_UNPACKED_BYTES
from vm.files import is_regular
from vm.quoting import quoted

SUFFIX = ".zip"
BLOCK_BYTES = 1 << 20
#: What damaged archives raise while they are read.
DAMAGED = (
    BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and is_regular(path)


class Room:
    """The entries and bytes that the archives of one search may still unpack."""

    def __init__(self) -> None:
        self._entries = MAX_ENTRIES
        self._left = MAX_UNPACKED_BYTES

    def take_entry(self) -> None:
        self._entries -= 1
        if self._entries < 0:
            raise InputError(f"archives with more than {MAX_ENTRIES:,} entries: unpack it")

    def take_bytes(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise InputError(f"archives with more than {MAX_UNPACKED_BYTES:,} bytes: unpack it")


class Unpacked:
    """The content of an archive in a temporary folder, which is removed with this object.

    InputError if the archive cannot be unpacked within the limits.
    """

    def __init__(self, archive: Path, room: Room) -> None:
        place = Path(mkdtemp(prefix="vklocks-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        self.folder = place / archive.name
        self.folder.mkdir()
        try:
            with ZipFile(archive) as packed:
                for entry in packed.infolist():
                    _unpack(packed, entry, self.folder, room)
        except InputError as error:
            self._finalizer()
            raise InputError(f"{archive}: {error}") from None
        except (*DAMAGED, RuntimeError) as error:
            self._finalizer()
            raise InputError(f"{archive} cannot be unpacked: {error}") from None


class Gathered:
    """Copies of files from several folders in one, which is removed with this object.

    Each is called by its path below `folder`, as files in archives are: `vm1:log.txt`.
    """

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        place = Path(mkdtemp(prefix="vklocks-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        self.folder = place / (folder.resolve().name or "root")
        self.folder.mkdir()
        for file in files:
            name = ":".join(file.relative_to(folder).parts)
            shutil.copyfile(file, self.folder / name)


def _unpack(packed: ZipFile, entry: ZipInfo, folder: Path, room: Room) -> None:
    """Write an entry below the folder, unless it is a directory, a link or a hidden file."""
    room.take_entry()
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"its entry {quoted(entry.filename)} leads out of it")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        return
    if any(part.startswith((".", "__MACOSX")) for part in path.parts):
        return
    target = folder.joinpath(*path.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as content, target.open("wb") as file:
        while block := content.read(BLOCK_BYTES):
            room.take_bytes(len(block))
            file.write(block)
