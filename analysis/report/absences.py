"""When machines were away, and which faults befell messages, for the diagram."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.history.run import Run
from vm.faults import plain_fault
from vm.schedule import SECOND_NS

#: Killed, and started again.
DOWN = "down"


def absences(run: Run) -> list[dict[str, Any]]:
    """Per machine: `from_ns`, `until_ns` (None: for good) and `why`."""
    planned = [_absence(fault) for fault in _faults(run) if fault["kind"] in ("pause", "restart")]
    known = {absence["machine"] for absence in planned if absence["why"] == DOWN}
    returned = [
        {
            "machine": machine,
            "from_ns": _last_ns(run, machine, back.events),
            "until_ns": back.at_ns,
            "why": DOWN,
        }
        for machine, returns in run.recoveries.items()
        for back in returns
        if machine not in known
    ]
    killed = [
        {"machine": name, "from_ns": _last_ns(run, name), "until_ns": None, "why": "killed"}
        for name in run.starts
        if name not in run.stops
    ]
    return [*planned, *returned, *killed]


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
        yield from map(plain_fault, start.spec.faults)


def _absence(fault: Mapping[str, Any]) -> dict[str, Any]:
    why = "paused" if fault["kind"] == "pause" else DOWN
    begun = _ns(fault, "at_s") or 0
    machine = fault["machine"]
    return {"machine": machine, "from_ns": begun, "until_ns": _ns(fault, "until_s"), "why": why}


def _ns(fault: Mapping[str, Any], key: str) -> int | None:
    return round(fault[key] * SECOND_NS) if key in fault else None


def _last_ns(run: Run, machine: str, events: int | None = None) -> int:
    """When a machine had the last of its first `events` events, or of all."""
    at_ns = run.events.filter(machine=machine)["at_ns"]
    at_ns = at_ns if events is None else at_ns.head(events)
    return int(at_ns[-1]) if len(at_ns) else 0


def _between(run: Run, fault: Mapping[str, Any]) -> str:
    """Whose messages a fault befalls, unless it is everybody's."""
    ends = ""
    for word, key in {"from": "senders", "to": "receivers"}.items():
        names = fault.get(key, run.machines)
        if set(names) != set(run.machines):
            ends += f" {word} {' '.join(names)}"
    return ends


#: What the faults of channels are called over the time in which they are active.
TEXTS = {
    "loss": lambda fault: f"loss {fault['probability']:.3g}",
    "duplication": lambda fault: f"duplication {fault['probability']:.3g}",
    "delay": lambda fault: f"delay {fault.get('extra_s', 0):g} s",
    "partition": lambda fault: "partition " + " | ".join(" ".join(g) for g in fault["groups"]),
}
