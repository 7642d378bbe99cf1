"""Absences of machines and faults of channels, for the diagram."""

from collections.abc import Callable
from typing import Any

from analysis.history.run import Run
from vm import faults
from vm.schedule import SECOND_NS

#: Killed and restarted.
DOWN = "down"
AWAY = {faults.Pause: "paused", faults.Restart: DOWN}


def absences(run: Run) -> list[dict[str, Any]]:
    """Return absences: `machine`, `from_ns`, `until_ns` (None: permanent) and `why`."""
    planned = [
        _absence(fault.machine, fault.at_ns, fault.until_ns, AWAY[type(fault)])
        for fault in _faults(run)
        if isinstance(fault, faults.Pause | faults.Restart)
    ]
    known = {absence["machine"] for absence in planned if absence["why"] == DOWN}
    returned = [
        _absence(machine, _last_ns(run, machine, back.events), back.at_ns, DOWN)
        for machine, returns in run.recoveries.items()
        for back in returns
        if machine not in known
    ]
    crashes = {
        fault.machine: fault.at_ns for fault in _faults(run) if isinstance(fault, faults.Crash)
    }
    killed = [
        _absence(name, crashes.get(name, _last_ns(run, name)), None, "killed")
        for name in run.starts
        if name not in run.stops
    ]
    return [*planned, *returned, *killed]


def conditions(run: Run) -> list[dict[str, Any]]:
    """Return the faults of channels: `kind`, `from_ns`, `until_ns` and `text`."""
    return [
        {
            "kind": faults.plain_fault(fault)["kind"],
            "from_ns": fault.at_ns,
            "until_ns": fault.until_ns,
            "text": TEXTS[type(fault)](fault) + _between(run, fault),
        }
        for fault in _faults(run)
        if isinstance(fault, faults.ChannelFault | faults.Partition)
    ]


def _faults(run: Run) -> tuple[faults.Fault, ...]:
    return next((start.spec.faults for start in run.starts.values()), ())


def _absence(machine: str, from_ns: int, until_ns: int | None, why: str) -> dict[str, Any]:
    return {"machine": machine, "from_ns": from_ns, "until_ns": until_ns, "why": why}


def _last_ns(run: Run, machine: str, events: int | None = None) -> int:
    """Return the time of a machine's last event, or of the last of its first `events` events."""
    at_ns = run.events.filter(machine=machine)["at_ns"]
    at_ns = at_ns if events is None else at_ns.head(events)
    return int(at_ns[-1]) if len(at_ns) else 0


def _between(run: Run, fault: faults.Fault) -> str:
    """Name the senders and receivers that a fault affects, unless it affects all machines."""
    ends = ""
    for word, key in {"from": "senders", "to": "receivers"}.items():
        names = getattr(fault, key, run.machines)
        if set(names) != set(run.machines):
            ends += f" {word} {' '.join(names)}"
    return ends


#: Labels of the faults of channels in the diagram.
TEXTS: dict[type[faults.Fault], Callable[[Any], str]] = {
    faults.Loss: lambda fault: f"loss {fault.probability:.3g}",
    faults.Duplication: lambda fault: f"duplication {fault.probability:.3g}",
    faults.Delay: lambda fault: f"delay {fault.extra_ns / SECOND_NS:g} s",
    faults.Partition: lambda fault: "partition " + " | ".join(" ".join(g) for g in fault.groups),
}
