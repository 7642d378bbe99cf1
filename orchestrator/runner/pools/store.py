"""A store of complete runs: a folder that any worker reaches by the URL that fsspec reads."""

from collections.abc import Mapping
from importlib import import_module

from orchestrator import owner
from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.runner.pools.extra import extra
from vm.files import RUN
from vm.options import UsageError
from vm.quoting import escaped, quoted


def check(url: str) -> None:
    """Check that this installation knows the protocol of a URL; UsageError otherwise.

    EnvironmentProblem if a package is missing for it.
    """
    fsspec = extra("--store", "fsspec")
    if "://" not in url:
        raise UsageError(
            f"--store: {quoted(url)} is not a URL: file:///folder, s3://bucket/folder, ..."
        )
    try:
        fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise EnvironmentProblem(f"--store: {quoted(url)}: {escaped(str(error))}") from None
    except ValueError as error:
        raise UsageError(f"--store: {quoted(url)}: {escaped(str(error))}") from None


def put(url: str, run: str, contents: Mapping[str, bytes]) -> None:
    """Write the files of a run below a URL. Its run.json comes last: with it, a run is complete.

    A file that is there is replaced: equal runs have equal files.
    """
    try:
        fsspec = import_module("fsspec")
        system, folder = fsspec.core.url_to_fs(url)
        system.makedirs(f"{folder}/{run}", exist_ok=True)
        for name in sorted(contents, key=lambda name: name == RUN):
            system.pipe_file(f"{folder}/{run}/{name}", contents[name])
    except (ImportError, OSError) as error:
        raise EnvironmentProblem(
            f"--store: {quoted(url)} on {owner.me()}: {escaped(str(error))}"
        ) from None
