"""The choice of the engine, compared with the docker command and its files."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.backends.docker.address import DEFAULT_URL, Address, chosen
from orchestrator.backends.outcome import EnvironmentProblem

HOST = "tcp://10.1.1.1:2376"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the docker command with three contexts, made by that command."""
    made = ("-newkey", "ed25519", "-nodes", "-subj", "/CN=engine")
    files = ("-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem")
    subprocess.run(["openssl", "req", "-x509", *made, *files], check=True, capture_output=True)
    shutil.copyfile(tmp_path / "cert.pem", tmp_path / "ca.pem")
    keys = ",".join(f"{name}={tmp_path / name}.pem" for name in ("ca", "cert", "key"))
    folder = tmp_path / "config"
    docker(folder, "context", "create", "plain", "--docker", f"host={HOST}")
    docker(folder, "context", "create", "secret", "--docker", f"host={HOST},{keys}")
    docker(folder, "context", "create", "far", "--docker", "host=ssh://me@far")
    return folder


def docker(config: Path, *arguments: str, **environment: str) -> str:
    return subprocess.run(
        ["docker", "--config", str(config), *arguments],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.mark.docker
def test_the_docker_command_chooses_the_same(config: Path) -> None:
    """Each of the three settings, with and without the others."""
    for host in ("", "tcp://10.2.2.2:1"):
        for context in ("", "default", "plain"):
            for current in ("default", "far"):
                docker(config, "context", "use", current)
                settings = {"DOCKER_HOST": host, "DOCKER_CONTEXT": context}
                name = docker(config, "context", "show", **settings)
                url = docker(
                    config,
                    *("context", "inspect", name, "--format", "{{.Endpoints.docker.Host}}"),
                    **settings,
                )
                assert chosen({"DOCKER_CONFIG": str(config), **settings}).url == url


@pytest.mark.docker
def test_a_context_brings_its_certificates(config: Path, tmp_path: Path) -> None:
    found = chosen({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "secret"})
    assert str(found) == f"{HOST} (context 'secret' of DOCKER_CONTEXT)"
    assert found.tls is not None
    assert found.tls.verify is True
    files = {
        "ca": str(found.tls.ca_cert),
        **dict(zip(("cert", "key"), found.tls.cert, strict=True)),
    }
    for name, file in files.items():
        assert Path(file).read_text() == (tmp_path / f"{name}.pem").read_text()
    assert chosen({"DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "plain"}).tls is None


def test_certificates_of_docker_host(tmp_path: Path) -> None:
    settings = {"DOCKER_CERT_PATH": str(tmp_path), "DOCKER_HOST": HOST}
    assert chosen(settings).tls is None
    verified = chosen({**settings, "DOCKER_TLS_VERIFY": "1"}).tls
    assert verified is not None
    assert verified.verify is True
    unverified = chosen({**settings, "DOCKER_TLS": "1"}).tls
    assert unverified is not None
    assert unverified.verify is False
    over_ssh = {"DOCKER_HOST": "ssh://far", "DOCKER_TLS_VERIFY": "1"}
    assert chosen(over_ssh).tls is None


def test_without_any_setting_the_engine_is_the_local_one(tmp_path: Path) -> None:
    found = chosen({"DOCKER_CONFIG": str(tmp_path)})
    assert found == Address(DEFAULT_URL)
    assert found.is_local


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"DOCKER_CONTEXT": "lab"}, "context 'lab' of DOCKER_CONTEXT: there is none in "),
        ({"DOCKER_HOST": "10.0.0.1:2375"}, "DOCKER_HOST: '10.0.0.1:2375' is no address"),
        ({"DOCKER_HOST": "tcp://10.0.0.1:99999"}, "DOCKER_HOST: .* is no address"),
        ({"DOCKER_HOST": "ssh://me:secret@far"}, "DOCKER_HOST: .* is no address"),
        ({"DOCKER_HOST": "tcp://"}, "DOCKER_HOST: .* is no address"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], problem: str) -> None:
    with pytest.raises(EnvironmentProblem, match=problem):
        chosen({"DOCKER_CONFIG": str(tmp_path), **settings})


def test_an_unknown_current_context_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "lab"}))
    with pytest.raises(EnvironmentProblem, match=r"context 'lab': there is none in .*context ls"):
        chosen({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("text", ["{", "[]", "1"])
def test_a_damaged_configuration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(EnvironmentProblem, match=r"config\.json .*correct it"):
        chosen({"DOCKER_CONFIG": str(tmp_path)})


@given(url=st.text(min_size=1))
def test_any_address_is_taken_or_refused_in_words(url: str) -> None:
    problem = ""
    try:
        assert chosen({"DOCKER_HOST": url}).url == url
    except EnvironmentProblem as error:
        problem = str(error)
    assert problem.startswith("DOCKER_HOST: ") or not problem
