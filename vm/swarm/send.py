"""`python -m vm.swarm.send FORM`: send the logs of the machines of this node to the receiver.

The logs are those of machines that have ended, in any way: they lie in volumes, one for each
machine, of which this has nothing but the reading. FORM is a JSON object: `receiver` and `port`,
the file of the `key`, the `folders` of the machines by name, and `limit`, the most bytes of a file
that a machine can have written. Of a longer file, and of what is no file, only the entry is sent.
"""

import json
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep
from typing import IO, cast

from vm.files import log_path, open_regular, transcript_path
from vm.swarm.bundle import (
    MAX_PIECE,
    RECEIVED,
    SILENT_S,
    SIZE_HEADER,
    secured,
    send_piece,
)

#: How long to wait until the receiver can be reached, and between two attempts.
CONNECT_S, RETRY_S = 30, 0.1


class _Pieces:
    """A file that sends its content in pieces."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection

    def write(self, content: bytes) -> int:
        for first in range(0, len(content), MAX_PIECE):
            send_piece(self._connection, content[first : first + MAX_PIECE])
        return len(content)


def main(arguments: Sequence[str]) -> int:
    form = json.loads(arguments[0])
    folders = {machine: Path(folder) for machine, folder in form["folders"].items()}
    with (
        _connected(form["receiver"], form["port"]) as plain,
        secured(plain, Path(form["key"]), is_receiver=False) as connection,
    ):
        stream = cast(IO[bytes], _Pieces(connection))
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            for path in _paths(folders):
                _add(archive, path, form["limit"])
        send_piece(connection, b"")
        return 0 if connection.recv(len(RECEIVED)) == RECEIVED else 1


def _connected(receiver: str, port: int) -> socket:
    """Connect to the receiver; OSError if it cannot be reached within CONNECT_S.

    A node learns the names and routes of a network shortly after its first task there has begun.
    """
    deadline_s = monotonic() + CONNECT_S
    while True:
        try:
            return create_connection((receiver, port), SILENT_S)
        except OSError:
            if monotonic() > deadline_s:
                raise
        sleep(RETRY_S)


def _paths(folders: Mapping[str, Path]) -> Iterator[Path]:
    """Yield the paths of all logs and transcripts that exist, whatever they are."""
    for machine, folder in folders.items():
        for path in (log_path(folder, machine), transcript_path(folder, machine)):
            if path.is_symlink() or path.exists():
                yield path


def _add(archive: tarfile.TarFile, path: Path, limit: int) -> None:
    entry = archive.gettarinfo(path, path.name)
    if not entry.isreg() or entry.size > limit:
        entry.pax_headers = {SIZE_HEADER: str(entry.size)}
        entry.size = 0
        archive.addfile(entry)
        return
    with open_regular(path) as file:
        archive.addfile(entry, file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
