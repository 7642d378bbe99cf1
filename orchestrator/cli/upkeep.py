"""`vklocks list`, `clean` and `doctor`: runs, leftovers of dead owners, and the environment."""

import argparse
import shutil
from pathlib import Path

from orchestrator.cli.console import put
from orchestrator.runner import execution
from vm.files import RUN, read_json
from vm.quoting import plain, quoted

MAX_LISTED = 1000
#: The most characters of a printed value.
MAX_SHOWN = 200


def list_runs(given: argparse.Namespace) -> int:
    found = [path.parent for path in sorted(given.out.glob(f"*/*/{RUN}")) if not _is_linked(path)]
    if not found:
        put(f"no runs in {given.out}/ yet; `vklocks run` makes some")
    for directory in found[:MAX_LISTED]:
        recorded = read_json(directory / RUN)
        if recorded is None:
            put(f"{directory}: {RUN} cannot be read")
            continue
        machines = recorded.get("machines")
        count = len(machines) if isinstance(machines, dict) else 0
        fields = ("backend", "outcome", "problem")
        backend, outcome, problem = (_shown(recorded.get(field)) for field in fields)
        unit = "machine" if count == 1 else "machines"
        line = f"{directory}  {backend}  {count} {unit}  {outcome}"
        put(f"{line}: {problem}" if problem else line)
    if len(found) > MAX_LISTED:
        put(f"and {len(found) - MAX_LISTED:,} more, which are not listed")
    return 0


def _is_linked(path: Path) -> bool:
    """Return whether the path leads through a link to a run in another folder."""
    return any(folder.is_symlink() for folder in path.parents[:2])


def _shown(value: object) -> str:
    """Return a value of run.json as text for the list."""
    if isinstance(value, str):
        return plain(value, MAX_SHOWN)
    return quoted(value) if value else ""


def clean(given: argparse.Namespace) -> int:
    from orchestrator.backends.docker import engine

    removed = 0
    folders = [folder for folder in given.out.glob("*/") if not folder.is_symlink()]
    for partial in execution.leftovers(given.out, *folders):
        shutil.rmtree(partial, ignore_errors=True)
        removed += 1
        put(f"removed unfinished {partial}")
    for file in execution.unfinished_files(given.out):
        file.unlink(missing_ok=True)
        removed += 1
        put(f"removed unfinished {file}")
    with engine.connected() as client:
        for gone in engine.remove_abandoned(client):
            removed += 1
            put(f"removed {gone.kind} {gone.name}")
        for left in engine.leftovers(client):
            put(f"left {left.kind} {left.name}: {left.owner} may still use it")
    put(f"{removed} leftovers of dead owners removed" if removed else "nothing to clean")
    return 0


def doctor(given: argparse.Namespace) -> int:
    from orchestrator.backends.docker import engine
    from orchestrator.backends.docker.doctor import findings

    missing = False
    with engine.connected() as client:
        found = list(findings(client, given.out))
    for finding in found:
        missing |= finding.state == "missing"
        put(f"{finding.state:8} {finding.subject}: {finding.text}")
    return 3 if missing else 0
