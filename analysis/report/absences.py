"""When machines were away, and which faults befell messages, for the diagram."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.history import Run
from vm.schedule import SECOND_NS


def absences(run: Run) -> list[dict[str, Any]]:
    """Per machine: `from_ns`, `until_ns` (None: for good) and `why`."""
    found = [_absence(fault) for fault in _faults(run) if fault["kind"] in ("pause", "restart")]
    return found + [
        {"machine": name, "from_ns": _last_ns(run, name), "until_ns": None, "why": "killed"}
        for name in run.starts
        if name not in run.stops
    ]


def conditions(run: Run) -> list[dict[str, Any]]:
    """The faults of channels: `kind`, `from_ns`, `until_ns` (None: to the end) and `text`."""
    return [
        {
            "kind": fault["kind"],
            "from_ns": _ns(fault, "at_s") or 0,
            "until_ns": _ns(fault, "until_s"),
            "text": TEXTS[fault["kind"]](fault) + _between(run, fault),
        }
        for fault in _faults(run)
        if fault["kind"] in TEXTS
    ]


def _faults(run: Run) -> Iterator[Mapping[str, Any]]:
    start = next(iter(run.starts.values()), None)
    if start:
        yield from start.faults


def _absence(fault: Mapping[str, Any]) -> dict[str, Any]:
    why = "paused" if fault["kind"] == "pause" else "down"
    begun = _ns(fault, "at_s") or 0
    machine = fault["machine"]
    return {"machine": machine, "from_ns": begun, "until_ns": _ns(fault, "until_s"), "why": why}


def _ns(fault: Mapping[str, Any], key: str) -> int | None:
    return round(fault[key] * SECOND_NS) if key in fault else None


def _last_ns(run: Run, machine: str) -> int:
    last = run.events.filter(machine=machine)["at_ns"].max()
    return last if isinstance(last, int) else 0


def _between(run: Run, fault: Mapping[str, Any]) -> str:
    """Whose messages a fault befalls, unless it is everybody's."""
    said = ""
    for word, key in {"from": "senders", "to": "receivers"}.items():
        names = fault.get(key, run.machines)
        if set(names) != set(run.machines):
            said += f" {word} {' '.join(names)}"
    return said


#: What the faults of channels are called over the time in which they are active.
TEXTS = {
    "loss": lambda fault: f"loss {fault['probability']:.3g}",
    "duplication": lambda fault: f"duplication {fault['probability']:.3g}",
    "delay": lambda fault: f"delay {fault.get('extra_s', 0):g} s",
    "partition": lambda fault: "partition " + " | ".join(" ".join(g) for g in fault["groups"]),
}
