"""The run browser: `index.html` in the folder of all runs, with their settings and verdicts."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.history.run import MAX_INT64
from analysis.report.page import render
from analysis.text.plain import read_state
from vm.faults import plain_fault
from vm.files import INDEX, REPORT, RUN, SPEC, name_of, read_json, write_text
from vm.quoting import plain
from vm.spec import Spec, SpecError, natural_order

#: An experiment's own report lists all runs.
MAX_RUNS_LISTED = 100
#: Tables with more runs start collapsed.
MAX_RUNS_OPEN = 12


def write(out: Path) -> Path:
    """Write the run browser into a folder of experiments, most recently changed first."""
    folders = [folder for folder in out.iterdir() if _is_shown(folder)]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    experiments = [_experiment(folder) for folder in folders]
    page = render("index", experiments=[one for one in experiments if one["count"]])
    return write_text(out / INDEX, page)


def _is_shown(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.is_symlink()) and folder.is_dir()


def _experiment(folder: Path) -> dict[str, Any]:
    runs = sorted(_runs(folder), key=lambda run: natural_order(run["name"]))
    # Newest first; simulated runs have no date and stay in the order of their names.
    runs.sort(key=lambda run: run["begun"], reverse=True)
    verdicts = Counter(run["verdict"] or "not checked" for run in runs)
    return {
        "name": name_of(folder),
        "link": quote(os.fsencode(f"{folder.name}/{REPORT}")) if (folder / REPORT).exists() else "",
        "open": len(runs) <= MAX_RUNS_OPEN,
        "count": len(runs),
        "verdicts": [(word, verdicts[word]) for word in VERDICTS if verdicts[word]],
        "runs": runs[:MAX_RUNS_LISTED],
        "more": max(0, len(runs) - MAX_RUNS_LISTED),
    }


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    for directory in folder.iterdir():
        if not _is_shown(directory) or not (recorded := read_json(directory / RUN)):
            continue
        page = directory / REPORT
        link = f"{folder.name}/{directory.name}/{REPORT}" if page.exists() else ""
        yield {
            "name": name_of(directory),
            "link": quote(os.fsencode(link)),
            "verdict": read_state(directory) or "",
            "outcome": plain(str(recorded.get("outcome", ""))),
            "backend": plain(str(recorded.get("backend", ""))),
            "begun": _date(recorded),
            **_settings(read_json(directory / SPEC)),
        }


def _date(recorded: Mapping[str, Any]) -> str:
    begun = recorded.get("begun_unix_ns") or recorded.get("epoch_unix_ns")
    if not isinstance(begun, int) or not 0 <= begun <= MAX_INT64:
        return ""
    return f"{datetime.fromtimestamp(begun / 1e9, UTC):%Y-%m-%d %H:%M}"


def _settings(spec: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the fields of a spec that distinguish runs, as texts."""
    try:
        known = Spec.parse(spec) if spec else None
    except SpecError:
        known = None
    if known is None:
        return dict.fromkeys(("machines", "duration", "ticks", "seed", "faults"), "")
    faults = (plain_fault(fault)["kind"] for fault in known.faults)
    return {
        "machines": str(len(known.machines)),
        "duration": f"{known.duration_s:g} s",
        "ticks": "-".join(map(str, known.ticks)),
        "seed": str(known.seed),
        "faults": ", ".join(dict.fromkeys(faults)),
    }


#: States of verdicts in the order of their counts on the page.
VERDICTS = ("violated", "inconclusive", "not checked", "holds")
