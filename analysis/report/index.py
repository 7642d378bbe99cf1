"""The run browser: `index.html` in the folder of all runs, with settings and verdict of each."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.report.page import render
from analysis.text.plain import read_state
from vm.files import INDEX, REPORT, RUN, SPEC, read_json, write_text
from vm.spec import natural_order

#: An experiment's own report lists them all.
MAX_RUNS_LISTED = 100
#: The tables of experiments with more runs begin folded.
MAX_RUNS_OPEN = 12


def write(out: Path) -> Path:
    """Write the run browser into a folder of experiments, the one touched last first."""
    folders = [folder for folder in out.iterdir() if _is_shown(folder)]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    experiments = [_experiment(folder) for folder in folders]
    page = render("index", experiments=[one for one in experiments if one["count"]])
    return write_text(out / INDEX, page)


def _is_shown(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


def _experiment(folder: Path) -> dict[str, Any]:
    runs = sorted(_runs(folder), key=lambda run: natural_order(run["name"]))
    # Newest first; those of a simulation have no date, and stay in the order of their names.
    runs.sort(key=lambda run: run["begun"], reverse=True)
    verdicts = Counter(run["verdict"] or "not checked" for run in runs)
    return {
        "name": folder.name,
        "link": quote(f"{folder.name}/{REPORT}") if (folder / REPORT).exists() else "",
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
            "name": directory.name,
            "link": quote(link),
            "verdict": read_state(directory) or "",
            "outcome": recorded.get("outcome", ""),
            "backend": recorded.get("backend", ""),
            "begun": _date(recorded),
            **_settings(read_json(directory / SPEC) or {}),
        }


def _date(recorded: Mapping[str, Any]) -> str:
    begun = recorded.get("begun_unix_ns") or recorded.get("epoch_unix_ns")
    if not isinstance(begun, int):
        return ""
    return f"{datetime.fromtimestamp(begun / 1e9, UTC):%Y-%m-%d %H:%M}"


def _settings(spec: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a spec that tell runs apart, as words."""
    machines, ticks = spec.get("machines", []), spec.get("ticks", [])
    faults = [fault.get("kind", "") for fault in spec.get("faults", [])]
    return {
        "machines": str(len(machines)) if isinstance(machines, list) else str(machines),
        "duration": f"{spec['duration_s']:g} s" if "duration_s" in spec else "",
        "ticks": "-".join(map(str, ticks)),
        "seed": str(spec.get("seed", "")),
        "faults": ", ".join(dict.fromkeys(faults)),
    }


#: In which order verdicts are counted.
VERDICTS = ("violated", "inconclusive", "not checked", "holds")
