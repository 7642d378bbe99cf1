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
from vm.files import (
    INDEX,
    REPORT,
    RUN,
    SPEC,
    is_regular,
    logs_in,
    name_of,
    read_json,
    start_in,
    write_text,
)
from vm.quoting import plain
from vm.spec import Spec, SpecError, natural_order

#: An experiment's own report lists all runs.
MAX_RUNS_LISTED = 100
#: Tables with more runs start collapsed.
MAX_RUNS_OPEN = 12
#: For more machines, only the lowest and the highest rate are shown.
MAX_RATES_SHOWN = 5


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
        "link": _link(folder / REPORT, folder.parent),
        "reports": _reports(folder),
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
        yield {
            "name": name_of(directory),
            "link": _link(directory / REPORT, folder.parent),
            "verdict": read_state(directory) or "",
            "outcome": plain(str(recorded.get("outcome", ""))),
            "backend": plain(str(recorded.get("backend", ""))),
            "begun": _date(recorded),
            **_settings(read_json(directory / SPEC)),
        }
    if start := next(filter(None, map(start_in, logs_in(folder))), None):
        yield {
            "name": name_of(folder),
            "link": _link(folder / REPORT, folder.parent),
            "verdict": read_state(folder) or "",
            "outcome": "",
            "backend": "by hand",
            "begun": _date({"epoch_unix_ns": start.run_epoch_unix_ns}),
            **_settings(start.spec.plain()),
        }


def _link(page: Path, out: Path) -> str:
    """Return the address of a page below `out`; "" if there is none."""
    return quote(os.fsencode(page.relative_to(out))) if page.exists() else ""


def _reports(folder: Path) -> list[dict[str, str]]:
    """Return the pages about the runs of one call each, newest first."""
    pages = sorted(filter(is_regular, folder.glob(f"*-{REPORT}")), reverse=True)
    shown = pages[:MAX_RUNS_LISTED]
    return [{"name": name_of(page), "link": _link(page, folder.parent)} for page in shown]


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
        "ticks": _rates(known),
        "seed": str(known.seed),
        "faults": ", ".join(dict.fromkeys(faults)),
    }


def _rates(spec: Spec) -> str:
    """Return the rates of all machines, those that were drawn included."""
    rates_hz = [spec.tick_rate_hz(machine) for machine in spec.machines]
    if len(rates_hz) > MAX_RATES_SHOWN:
        return f"{min(rates_hz)}-{max(rates_hz)}"
    return " ".join(map(str, rates_hz))


#: States of verdicts in the order of their counts on the page.
VERDICTS = ("violated", "inconclusive", "not checked", "holds")
