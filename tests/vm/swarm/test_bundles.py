"""Bundles of logs between a sender and a receiver, both on loopback."""

import json
import os
import socket
import ssl
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from loopback import free_ports
from orchestrator.keys import new_certificate
from vm.swarm import send
from vm.swarm.bundle import LENGTH, RECEIVED, SIZE_HEADER, secured, send_piece
from vm.swarm.receive import SUFFIX, Receiver

KEY = new_certificate()
LIMIT = 100_000


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    folder, key = tmp_path / "received", tmp_path / "received.key"
    folder.mkdir()
    key.write_bytes(KEY)
    with Receiver(("127.0.0.1", 0), key, folder, LIMIT) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sent(receiver: Receiver, folders: dict[str, Path], key: bytes = KEY) -> int:
    """Send the logs in folders, of at most 1,000 bytes; return the exit code of the sender."""
    file = receiver.folder.parent / "key"
    file.write_bytes(key)
    host, port = address(receiver)
    names = {machine: str(folder) for machine, folder in folders.items()}
    form = {"receiver": host, "port": port, "key": str(file), "folders": names, "limit": 1000}
    return send.main([json.dumps(form)])


def bundles(receiver: Receiver) -> list[Path]:
    return sorted(receiver.folder.glob(f"*{SUFFIX}"))


def test_logs_of_several_machines_arrive_as_they_are(tmp_path: Path, receiver: Receiver) -> None:
    content = os.urandom(900)
    for name in ("vm1", "vm2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.jsonl").write_bytes(content + name.encode())
    (tmp_path / "vm2" / "vm2.out").write_text("ticks")
    (tmp_path / "vm2" / "other").write_text("is not sent")
    assert sent(receiver, {name: tmp_path / name for name in ("vm1", "vm2")}) == 0
    (bundle,) = bundles(receiver)
    with tarfile.open(bundle) as archive:
        found = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    logs = {f"{name}.jsonl": content + name.encode() for name in ("vm1", "vm2")}
    assert found == logs | {"vm2.out": b"ticks"}


def test_a_sender_waits_for_a_receiver_that_cannot_be_reached_yet(tmp_path: Path) -> None:
    key, folder, (port,) = tmp_path / "key", tmp_path / "received", free_ports(1)
    key.write_bytes(KEY)
    folder.mkdir()
    form = {"receiver": "127.0.0.1", "port": port, "key": str(key), "folders": {}, "limit": 1000}
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(send.main, [json.dumps(form)])
        with pytest.raises(TimeoutError):
            code.result(timeout=0.3)
        with Receiver(("127.0.0.1", port), key, folder, LIMIT) as server:
            server.handle_request()
            assert code.result(timeout=30) == 0
    assert len(list(folder.glob(f"*{SUFFIX}"))) == 1


def test_of_files_that_no_machine_wrote_only_the_entries_are_sent(
    tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "vm1.jsonl").symlink_to("/etc/passwd")
    (tmp_path / "vm1.out").write_bytes(b"x" * 1001)
    assert sent(receiver, {"vm1": tmp_path}) == 0
    with tarfile.open(bundles(receiver)[0]) as archive:
        log, transcript = archive.getmembers()
    assert log.issym()
    assert transcript.size == 0
    assert transcript.pax_headers[SIZE_HEADER] == "1001"


def test_a_sender_with_another_key_is_refused(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "vm1.jsonl").write_text("forged")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        sent(receiver, {"vm1": tmp_path}, key=new_certificate())
    assert bundles(receiver) == []


def test_a_sender_without_a_certificate_is_refused(receiver: Receiver) -> None:
    context = ssl.create_default_context(cafile=receiver.key)
    context.check_hostname = False
    answer = b""
    with (
        socket.create_connection(address(receiver), 5) as plain,
        # Refused after its side of the handshake.
        suppress(OSError),
        context.wrap_socket(plain) as connection,
    ):
        send_piece(connection, b"x" * 500)
        send_piece(connection, b"")
        answer = connection.recv(1)
    assert answer != RECEIVED
    assert bundles(receiver) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        LENGTH.pack(500) + b"y" * 499,
        LENGTH.pack(500) + b"y" * 500,
        LENGTH.pack(2**32 - 1) + b"y" * 5000,
        (LENGTH.pack(LIMIT // 2) + b"y" * (LIMIT // 2)) * 3 + LENGTH.pack(0),
    ],
    ids=["nothing", "half a length", "half a piece", "no end", "a long piece", "many pieces"],
)
def test_a_bundle_without_its_end_or_beyond_the_limit_is_not_kept(
    receiver: Receiver, content: bytes
) -> None:
    with socket.create_connection(address(receiver), 5) as plain:
        answer = b""
        with suppress(OSError), secured(plain, receiver.key, is_receiver=False) as connection:
            connection.sendall(content)
            connection.unwrap()
            answer = plain.recv(1)
    assert answer != RECEIVED
    assert bundles(receiver) == []


def address(receiver: Receiver) -> tuple[str, int]:
    host, port = receiver.server_address[:2]
    return str(host), port
