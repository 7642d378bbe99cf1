"""`python -m vm.swarm.volumes FORM`: remove volumes of runs on this node, through its engine.

No request to a manager removes a volume of another node. So this runs there for a moment, as root
with the engine's socket, which no program of a run has; a manager can start it anyway. FORM is a
JSON object: `label` is the key that the volumes have, and `remove` or `keep` lists values of it.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any
from urllib.parse import quote

SOCKET = "/var/run/docker.sock"
#: How long to wait for containers that still use a volume.
LIMIT_S = 20
REMOVED, MISSING, IN_USE = 204, 404, 409


class _Engine(HTTPConnection):
    """A connection to the engine of this node."""

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(LIMIT_S)
        self.sock.connect(SOCKET)

    def answer(self, method: str, path: str) -> HTTPResponse:
        self.request(method, path)
        return self.getresponse()


def main(arguments: Sequence[str]) -> int:
    form = json.loads(arguments[0])
    with closing(_Engine("engine")) as events:
        # Before the first attempt, so that no end of a container is missed.
        filters = quote(json.dumps({"type": ["container"], "event": ["destroy"]}))
        ends = events.answer("GET", f"/events?filters={filters}")
        while left := [name for name in _volumes(form) if not _is_removed(name)]:
            try:
                ends.readline()
            except TimeoutError:
                print(f"still in use: {', '.join(left)}", file=sys.stderr)
                return 1
    return 0


def _volumes(form: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the volumes to remove."""
    label = form["label"]
    filters = quote(json.dumps({"label": [label]}))
    with closing(_Engine("engine")) as engine:
        found = json.load(engine.answer("GET", f"/volumes?filters={filters}"))
    for volume in found["Volumes"] or ():
        value = volume["Labels"][label]
        if value not in form["keep"] if "keep" in form else value in form["remove"]:
            yield volume["Name"]


def _is_removed(volume: str) -> bool:
    with closing(_Engine("engine")) as engine:
        status = engine.answer("DELETE", f"/volumes/{volume}").status
    assert status in (REMOVED, MISSING, IN_USE), f"the engine answers {status} for {volume}"
    return status != IN_USE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
