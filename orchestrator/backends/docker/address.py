"""The address of the engine, chosen as the docker command chooses it.

DOCKER_HOST comes before DOCKER_CONTEXT, which comes before the current context of the configuration
(`docker context use`). The SDK itself finds no context without a configuration file, and takes
the engine of this computer if a context is unknown.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.constants import DEFAULT_UNIX_SOCKET
from docker.tls import TLSConfig

from orchestrator.backends.outcome import EnvironmentProblem
from vm.files import parse_json
from vm.quoting import quoted

SCHEMES = ("unix", "tcp", "ssh", "http", "https", "npipe")
DEFAULT_URL = DEFAULT_UNIX_SOCKET.removeprefix("http+")
#: The context of the engine of this computer, which has no file.
DEFAULT_CONTEXT = "default"


@dataclass(frozen=True)
class Address:
    """The URL of an engine, and the setting that names it; "" for the default.

    `certificates` is the folder of ca.pem, cert.pem and key.pem, None without TLS.
    """

    url: str
    setting: str = ""
    certificates: Path | None = None
    is_verified: bool = True

    def __post_init__(self) -> None:
        """Check the URL. EnvironmentProblem if it is wrong."""
        try:
            parts = urlsplit(self.url)
            is_known = parts.scheme in SCHEMES and not parts.password
            is_known &= parts.scheme == "unix" or (bool(parts.hostname) and parts.port != 0)
        except ValueError:
            is_known = False
        if not is_known:
            raise EnvironmentProblem(
                f"{self.setting}: {quoted(self.url)} is no address of an engine: give one as"
                " unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST"
            )

    def __str__(self) -> str:
        return f"{self.url} ({self.setting})" if self.setting else self.url

    @property
    def is_local(self) -> bool:
        """Whether the URL is a socket on this computer."""
        return self.url.startswith("unix:")

    @property
    def is_ssh(self) -> bool:
        return self.url.startswith("ssh:")

    @property
    def tls(self) -> TLSConfig | None:
        """The certificates for the SDK, of those that are there."""
        if self.certificates is None:
            return None
        ca, cert, key = (self.certificates / f"{name}.pem" for name in ("ca", "cert", "key"))
        return TLSConfig(
            client_cert=(str(cert), str(key)) if cert.exists() and key.exists() else None,
            ca_cert=str(ca) if ca.exists() else None,
            verify=self.is_verified,
        )


def chosen(environment: Mapping[str, str] = os.environ) -> Address:
    """Return the address of the engine. EnvironmentProblem if a setting is wrong."""
    folder = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if url := environment.get("DOCKER_HOST"):
        is_verified = bool(environment.get("DOCKER_TLS_VERIFY"))
        has_tls = not _is_socket(url) and (is_verified or bool(environment.get("DOCKER_TLS")))
        certificates = Path(environment.get("DOCKER_CERT_PATH") or folder) if has_tls else None
        return Address(url, "DOCKER_HOST", certificates, is_verified)
    if name := environment.get("DOCKER_CONTEXT"):
        return _of_context(folder, name, f"context {quoted(name)} of DOCKER_CONTEXT")
    config = folder / "config.json"
    current = _object(config).get("currentContext") if config.exists() else None
    name = str(current or DEFAULT_CONTEXT)
    return _of_context(folder, name, f"context {quoted(name)}")


def _of_context(folder: Path, name: str, setting: str) -> Address:
    """Return the address of a context, from the files that `docker context create` writes."""
    if name == DEFAULT_CONTEXT:
        return Address(DEFAULT_URL)
    file_name = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / file_name / "meta.json"
    if not meta.exists():
        raise EnvironmentProblem(
            f"{setting}: there is none in {folder}; `docker context ls` lists the contexts"
        )
    try:
        endpoint = _object(meta)["Endpoints"]["docker"]
        url, is_verified = str(endpoint["Host"]), not endpoint.get("SkipTLSVerify")
    except (KeyError, TypeError, AttributeError):
        raise EnvironmentProblem(
            f"{setting}: {meta} names no Docker engine; create the context again"
        ) from None
    certificates = folder / "contexts" / "tls" / file_name / "docker"
    has_tls = not _is_socket(url) and (certificates.exists() or not is_verified)
    return Address(url, setting, certificates if has_tls else None, is_verified)


def _is_socket(url: str) -> bool:
    return url.startswith(("unix:", "ssh:", "npipe:"))


def _object(file: Path) -> dict[str, Any]:
    try:
        # Its folder may hold links to the files of another.
        plain = parse_json(file.resolve())
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(f"{file} cannot be read ({error}): correct it") from None
    if not isinstance(plain, dict):
        raise EnvironmentProblem(f"{file} is not a JSON object: correct it")
    return plain
