"""`python -m vm.swarm.receive FORM`: keep the bundles that the nodes of a run send.

FORM is a JSON object: the `port`, the file of the `key`, the `folder` for the bundles, and `limit`,
the most bytes of a bundle. Nothing of a sender without the key is kept.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from vm.files import whole_file
from vm.swarm.bundle import RECEIVED, SILENT_S, pieces, secured

ALL_ADDRESSES = ""
#: The most connections that wait to be accepted; a node has one.
MAX_WAITING = 256
NAME_BYTES = 8
SUFFIX = ".tar"


class Receiver(ThreadingTCPServer):
    """A server that writes each bundle into a folder, once it is complete."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = MAX_WAITING

    def __init__(self, address: tuple[str, int], key: Path, folder: Path, limit: int) -> None:
        super().__init__(address, _Connection)
        self.key = key
        self.folder = folder
        self.limit = limit


class _Connection(BaseRequestHandler):
    """One connection of a sender, or of a stranger."""

    server: Receiver

    def handle(self) -> None:
        self.request.settimeout(SILENT_S)
        path = self.server.folder / f"{token_hex(NAME_BYTES)}{SUFFIX}"
        try:
            with secured(self.request, self.server.key, is_receiver=True) as connection:
                with whole_file(path) as partial, partial.open("wb") as file:
                    file.writelines(pieces(connection, self.server.limit))
                connection.sendall(RECEIVED)
        except (OSError, ValueError) as error:
            print(f"a bundle from {self.client_address[0]} is refused: {error}", flush=True)


def main(arguments: Sequence[str]) -> None:
    form: dict[str, Any] = json.loads(arguments[0])
    key, folder = Path(form["key"]), Path(form["folder"])
    with Receiver((ALL_ADDRESSES, form["port"]), key, folder, form["limit"]) as receiver:
        receiver.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
