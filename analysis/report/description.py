"""The description of a run in sentences, and the command that repeats the run."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from analysis.history.run import Run
from analysis.metrics.labels import counted
from analysis.report.absences import absences, conditions
from vm import files
from vm.latency import plain_latency
from vm.options import options_of
from vm.records import Start
from vm.schedule import SECOND_NS
from vm.spec import Spec, SpecError
from vm.workloads import WORKLOADS, Workload

MAX_NAMED = 8


@dataclass(frozen=True)
class Introduction:
    """Sentences, the command that repeats the run ("" if there is none), and the spec as TOML."""

    sentences: tuple[str, ...]
    command: str
    spec: str

    @property
    def command_parts(self) -> list[str]:
        """The command in parts that must not wrap."""
        return re.split(r" (?=--|#)", self.command)


def describe(run: Run) -> Introduction:
    """Describe a run from its records and the files beside its logs."""
    recorded = files.read_json(run.path / files.RUN) or {}
    if not isinstance(recorded.get("backend"), str):
        recorded.pop("backend", None)
    start = next(iter(run.starts.values()), None)
    if start is None:
        return Introduction(_foreign(run), "", "")
    spec = _spec(run)
    sentences = (
        _machines(run, start),
        _idle(start),
        _network(run, start),
        _carried_out(start, recorded),
    )
    again, file = (command(spec, recorded), toml(spec.plain())) if spec else ("", "")
    return Introduction(tuple(filter(None, sentences)), again, file)


def command(spec: Spec, recorded: Mapping[str, Any]) -> str:
    """Return the command that repeats a spec, from a file if options cannot express it."""
    named = recorded.get("backend") not in (None, "compose")
    backend = ["--backend", recorded["backend"]] if named else []
    if options := options_of(spec):
        return shlex.join(["vklocks", "run", *backend, *options])
    return shlex.join(["vklocks", "run", "again.toml", *backend])


def toml(plain: Mapping[str, Any]) -> str:
    """Return a spec's plain values as an experiment file."""
    return "".join(f"{key} = {_toml(v)}\n" for key, v in plain.items() if v is not None)


def _toml(value: Any) -> str:
    """Return a JSON value as TOML; tables are inline, nulls in them omitted."""
    if isinstance(value, Mapping):
        entries = (f"{json.dumps(key)} = {_toml(v)}" for key, v in value.items() if v is not None)
        return f"{{ {', '.join(entries)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _spec(run: Run) -> Spec | None:
    """Return the spec in spec.json, or else in the start records; None if spec.json is invalid."""
    recorded = files.read_json(run.path / files.SPEC)
    try:
        return Spec.parse(recorded) if recorded else next(iter(run.starts.values())).spec
    except SpecError:
        return None


def _machines(run: Run, start: Start) -> str:
    rates = [f"{name} {rate}" for name, rate in run.tick_rates_hz.items()]
    shown = ", ".join(rates[:MAX_NAMED]) + (", …" if len(rates) > MAX_NAMED else "")
    machines = counted(len(run.machines), "machine")
    lasted = f"{start.spec.duration_s:g} s"
    if any(stop.reason == "terminated" for stop in run.stops.values()):
        last_ns = run.events["at_ns"].max() or 0
        assert isinstance(last_ns, int)
        lasted = f"{last_ns / SECOND_NS:.3g} s of {lasted}, until the run was stopped"
    return f"{machines} ran for {lasted}. Ticks per second: {shown}."


def _idle(start: Start) -> str:
    """Describe the workload: the events of ticks with and without a message in the inbox."""
    weights = start.spec.workload
    whole = weights.one + weights.all + weights.internal
    name = next((f" (the workload {n})" for n, w in WORKLOADS.items() if w == weights), "")
    return (
        "A tick with a message in the inbox received the oldest one. Of every"
        f" {whole} other ticks, on average, {_parts(weights)}{name}."
    )


def _parts(weights: Workload) -> str:
    acts = {
        "sent to one peer": weights.one,
        "sent to all peers": weights.all,
        "made an internal event": weights.internal,
    }
    return ", ".join(f"{count} {act}" for act, count in acts.items() if count)


def _network(run: Run, start: Start) -> str:
    """Describe latency, order and faults of the network."""
    parts = [] if start.spec.fifo else ["Channels did not keep the order of messages."]
    if latency := plain_latency(start.spec.latency):
        terms = ", ".join(f"{key} {v}" for key, v in latency.items() if key != "kind")
        parts.append(f"Latency: {latency['kind']} ({terms}).")
    if faults := "; ".join(describe_faults(run)):
        parts.append(f"Faults: {faults}.")
    return " ".join(parts)


def describe_faults(run: Run) -> Iterator[str]:
    """Describe each fault and absence, with its time."""
    for fault in conditions(run):
        yield f"{fault['text']}{_dates(fault)}"
    for gone in absences(run):
        yield f"{gone['machine']} {gone['why']}{_dates(gone)}"


def _dates(fault: Mapping[str, Any]) -> str:
    begun = fault["from_ns"] / SECOND_NS
    if fault["until_ns"] is None:
        return f" from {begun:.4g} s on" if begun else ""
    return f" from {begun:.4g} to {fault['until_ns'] / SECOND_NS:.4g} s"


def _carried_out(start: Start, recorded: Mapping[str, Any]) -> str:
    plural = "s" if len(start.spec.clocks) > 1 else ""
    by = f" by the backend {recorded['backend']}" if recorded.get("backend") else ""
    when = ""
    if start.run_epoch_unix_ns:
        begun = datetime.fromtimestamp(start.run_epoch_unix_ns / 1e9, UTC)
        when = f" on {begun:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"Clock{plural}: {' and '.join(start.spec.clocks)}. Seed {start.spec.seed}."
        f" Executed{by}{when}, with vklocks {start.version}."
    )


def _foreign(run: Run) -> tuple[str, ...]:
    rates = [f"{name} {rate}" for name, rate in run.tick_rates_hz.items()]
    known = f". Ticks per second: {', '.join(rates)}" if rates else ""
    return (
        f"Logs {run.in_format}, written by another program:"
        f" {counted(len(run.machines), 'machine')}{known}.",
    )
