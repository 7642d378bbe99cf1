"""The versions of the programs that compute runs: equal versions compute equal files."""

import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vm import __version__

#: The packages whose code computes and writes runs and metrics.
PACKAGES = ("vm", "orchestrator", "analysis")
#: Other packages that metrics depend on.
LIBRARIES = ("numpy", "polars")
#: The number of digits of a hash that are compared and shown.
DIGITS = 12
#: The most members of a cluster that a message names.
MAX_LISTED = 5


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, vklocks and its libraries, and the hash of our sources."""
    return {
        "python": platform.python_version(),
        "vklocks": f"{__version__} (sources {_hash_of_sources()})",
        **{library: installed(library) for library in LIBRARIES},
    }


def installed(package: str) -> str:
    """Return the version of an installed package, or "missing"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _hash_of_sources() -> str:
    root, digest = Path(__file__).parents[3], hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:DIGITS]


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    """Yield the versions that differ, as in `python 3.12.1 there, 3.11.7 here`."""
    for name, ours in here.items():
        theirs = there.get(name, "missing")
        if theirs != ours:
            yield f"{name} {theirs} there, {ours} here"


def refusal(differing: Mapping[str, Iterable[str]]) -> str:
    """Return why a cluster is refused: the versions that differ, by member, and the remedy."""
    listed = [f"{member}: {', '.join(found)}" for member, found in differing.items()]
    more = [f"and {len(listed) - MAX_LISTED} more"] if len(listed) > MAX_LISTED else []
    return (
        f"other versions compute other runs: {'; '.join([*listed[:MAX_LISTED], *more])}."
        " Install the versions of this computer there, and restart the cluster"
    )
