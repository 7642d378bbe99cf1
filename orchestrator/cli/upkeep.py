"""`vklocks list`, `clean` and `doctor`: runs, leftovers of dead owners, and the environment."""

import argparse
import shutil

from orchestrator.runner import execution
from vm.files import RUN, read_json


def list_runs(given: argparse.Namespace) -> int:
    found = [(path.parent, read_json(path)) for path in sorted(given.out.glob(f"*/*/{RUN}"))]
    if not found:
        print(f"no runs in {given.out}/ yet; `vklocks run` makes some")
    for directory, plain in found:
        if plain is None:
            print(f"{directory}: {RUN} cannot be read")
            continue
        machines = plain.get("machines")
        count = len(machines) if isinstance(machines, dict) else 0
        line = f"{directory}  {plain.get('backend')}  {count} machines  {plain.get('outcome')}"
        print(line + (f": {plain['problem']}" if plain.get("problem") else ""))
    return 0


def clean(given: argparse.Namespace) -> int:
    from orchestrator.backends.docker import engine

    removed = 0
    for partial in execution.leftovers(given.out, *given.out.glob("*/")):
        shutil.rmtree(partial, ignore_errors=True)
        removed += 1
        print(f"removed unfinished {partial}")
    for file in execution.unfinished_files(given.out):
        file.unlink(missing_ok=True)
        removed += 1
        print(f"removed unfinished {file}")
    with engine.connected() as client:
        for gone in engine.remove_abandoned(client):
            removed += 1
            print(f"removed {gone.kind} {gone.name}")
        for left in engine.leftovers(client):
            print(f"left {left.kind} {left.name}: {left.owner} may still use it")
    print(f"{removed} leftovers of dead owners removed" if removed else "nothing to clean")
    return 0


def doctor(given: argparse.Namespace) -> int:
    from orchestrator.backends.docker import engine
    from orchestrator.backends.docker.doctor import findings

    missing = False
    with engine.connected() as client:
        found = list(findings(client, given.out))
    for finding in found:
        missing |= finding.state == "missing"
        print(f"{finding.state:8} {finding.subject}: {finding.text}")
    return 3 if missing else 0
