"""`vklocks list`, `clean` and `doctor`: runs, leftovers of dead owners, and the environment."""

import argparse
import shutil
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.cli.lines import put
from orchestrator.runner import execution
from vm.files import RUN, logs_in, read_json
from vm.quoting import counted, plain, quoted
from vm.spec import natural_order

if TYPE_CHECKING:
    from docker import DockerClient

MAX_LISTED = 1000
WITHOUT_ENGINE = "The backends processes and simulation need none."
#: The most characters of a printed value.
MAX_SHOWN = 200


def list_runs(given: argparse.Namespace) -> int:
    found = [path.parent for path in given.out.glob(f"*/*/{RUN}") if not _is_linked(path)]
    found += [folder for folder in given.out.glob("*/") if _is_by_hand(folder)]
    found.sort(key=lambda path: list(map(natural_order, path.parts)))
    if not found:
        put(f"no runs in {given.out}/ yet; `vklocks run` makes some")
    for directory in found[:MAX_LISTED]:
        if directory.parent == given.out:
            put(f"{directory}  by hand  {counted(len(logs_in(directory)), 'machine')}")
            continue
        recorded = read_json(directory / RUN)
        if recorded is None:
            put(f"{directory}: {RUN} cannot be read")
            continue
        machines = recorded.get("machines")
        count = len(machines) if isinstance(machines, dict) else 0
        fields = ("backend", "outcome", "problem")
        backend, outcome, problem = (_shown(recorded.get(field)) for field in fields)
        line = f"{directory}  {backend}  {counted(count, 'machine')}  {outcome}"
        put(f"{line}: {problem}" if problem not in ("", outcome) else line)
    if len(found) > MAX_LISTED:
        put(f"and {len(found) - MAX_LISTED:,} more, which are not listed")
    return 0


def _is_by_hand(folder: Path) -> bool:
    """Return whether a folder is itself a run: of machines that were started by hand."""
    return not folder.is_symlink() and bool(logs_in(folder))


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
    from orchestrator.backends.swarm import nodes, removal

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
        is_manager = nodes.is_manager(client)
        of_swarms = removal.remove_abandoned(client) if is_manager else iter(())
        for gone in chain(of_swarms, engine.remove_abandoned(client)):
            removed += 1
            put(f"removed {gone.kind} {gone.name}")
        still = removal.leftovers(client) if is_manager else iter(())
        for left in chain(still, engine.leftovers(client)):
            put(f"left {left.kind} {left.name}: {left.owner}, or a container, may still use it")
        if is_manager:
            _clean_nodes(client)
    some = f"{counted(removed, 'leftover')} of ended processes removed"
    put(some if removed else "nothing to clean")
    return 0


def _clean_nodes(client: "DockerClient") -> None:
    """Remove volumes of ended runs on all nodes of a swarm."""
    from orchestrator.backends.docker import image
    from orchestrator.backends.swarm import removal

    if not (present := image.find(client, image.reference())):
        put("volumes on the nodes of the swarm are not looked for: the manager has no image")
        return
    done, others = removal.remove_stray_volumes(client, present)
    if done:
        put(f"no volume of an ended run is left on {', '.join(node.name for node in done)}")
    for node in others:
        state = "could not be searched" if node.is_ready else "does not answer"
        put(f"{node.name} {state}: volumes of ended runs may be left there")


def doctor(given: argparse.Namespace) -> int:
    from orchestrator.backends.docker import engine
    from orchestrator.backends.docker.doctor import Finding, findings, findings_without_engine
    from orchestrator.backends.swarm.doctor import findings_of_swarm

    found = list(findings_without_engine(given.out))
    try:
        with engine.connected() as client:
            found += findings(client)
            found += findings_of_swarm(client)
    except EnvironmentProblem as error:
        found.append(Finding("engine", "missing", f"{error}. {WITHOUT_ENGINE}"))
    for finding in found:
        put(f"{finding.state:8} {finding.subject}: {finding.text}")
    return 3 if any(finding.state == "missing" for finding in found) else 0
