"""`vklocks list`, `clean` and `doctor`: what there is, what is left over, what is lacking."""

import argparse
import shutil
from typing import Any

from orchestrator.backends.docker import engine, image
from orchestrator.runner import execution


def list_runs(given: argparse.Namespace) -> int:
    found = [
        (path.parent, execution.read(path.parent))
        for path in sorted(given.out.glob("*/*/run.json"))
    ]
    if not found:
        print(f"no runs in {given.out}/ yet; `vklocks run` makes some")
    for directory, plain in found:
        if plain is None:
            print(f"{directory}: run.json cannot be read")
            continue
        machines = plain.get("machines")
        count = len(machines) if isinstance(machines, dict) else 0
        line = f"{directory}  {plain.get('backend')}  {count} machines  {plain.get('outcome')}"
        print(line + (f": {plain['problem']}" if plain.get("problem") else ""))
    return 0


def clean(given: argparse.Namespace) -> int:
    removed = 0
    for partial in execution.leftovers(given.out, *given.out.glob("*/")):
        shutil.rmtree(partial, ignore_errors=True)
        removed += 1
        print(f"removed unfinished {partial}")
    with engine.connected() as client:
        for gone in engine.remove_abandoned(client):
            removed += 1
            print(f"removed {gone.what} {gone.name}")
        for left in engine.leftovers(client):
            print(f"left {left.what} {left.name}: {left.owner} may still use it")
    print(f"{removed} leftovers of dead owners removed" if removed else "nothing to clean")
    return 0


def doctor(given: argparse.Namespace) -> int:
    missing = False
    with engine.connected() as client:
        findings = [*engine.examine(client, given.out), _examine_image(client)]
    for finding in findings:
        missing |= finding.state == "missing"
        print(f"{finding.state:8} {finding.subject}: {finding.text}")
    return 3 if missing else 0


def _examine_image(client: Any) -> engine.Finding:
    present = image.find(client)
    if present and (not image.has_sources() or present[1] == image.fingerprint(image.CHECKOUT)):
        return engine.Finding("image", "ok", f"{image.NAME} is there and fits the sources")
    if image.has_sources():
        which = "is older than the sources" if present else "is not there"
        return engine.Finding("image", "ok", f"{image.NAME} {which}; the next run builds it")
    return engine.Finding(
        "image", "missing", f"{image.NAME} is not there: run vklocks from its checkout once"
    )
