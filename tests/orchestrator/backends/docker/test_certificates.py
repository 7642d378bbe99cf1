"""An engine behind TLS: both sides show certificates of the engine's own authority."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from orchestrator.backends.docker import engine
from orchestrator.backends.outcome import EnvironmentProblem

pytestmark = pytest.mark.docker
ANSWER = b'{"Version": "1.2.3", "ApiVersion": "1.44"}'


class Versions(BaseHTTPRequestHandler):
    """Answers as an engine that is asked for its versions."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> Path:
    """Return a folder with a certificate that is its own authority."""
    folder.mkdir()
    made = ("-newkey", "ed25519", "-nodes", "-subj", "/CN=engine")
    made += ("-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    subprocess.run(["openssl", "req", "-x509", *made, *files], check=True, capture_output=True)
    (folder / "ca.pem").symlink_to(folder / "cert.pem")
    return folder


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return certificate(tmp_path / "ours")


@pytest.fixture
def address(ours: Path) -> Iterator[str]:
    """The address of an engine that accepts our certificate only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours / "cert.pem", ours / "key.pem")
    context.load_verify_locations(ours / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with HTTPServer(("127.0.0.1", 0), Versions) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_engine_with_its_own_authority_is_trusted_for_that_authority(
    tmp_path: Path, ours: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever authorities others are trusted for."""
    others = certificate(tmp_path / "others")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(others / "ca.pem"))
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(ours))
    assert engine.version()["Version"] == "1.2.3"


@pytest.mark.parametrize("named", ["others", "missing"])
def test_a_wrong_certificate_is_a_problem_of_the_address(
    tmp_path: Path, address: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(tmp_path / "others")
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / named))
    problem = rf"at {address} \(DOCKER_HOST\) \(.*CERT"
    with pytest.raises(EnvironmentProblem, match=problem), engine.connected():
        raise AssertionError("connected")
